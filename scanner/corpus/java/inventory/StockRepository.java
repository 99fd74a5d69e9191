package com.northwind.inventory;

import jakarta.persistence.EntityManager;
import jakarta.persistence.PersistenceContext;
import jakarta.persistence.TypedQuery;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import java.util.List;
import org.bson.Document;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.model.Filters;

@Path("/stock")
@Produces("application/json")
public class StockRepository {

    @PersistenceContext
    private EntityManager em;

    private MongoCollection<Document> movements;

    private TypedQuery<StockItem> items(String condition) {
        String jpql = "SELECT s FROM StockItem s WHERE " + condition;
        return em.createQuery(jpql, StockItem.class).setMaxResults(200);
    }

    @GET
    @Path("/warehouse")
    public List<StockItem> inWarehouse(@HeaderParam("X-Warehouse") String warehouse) {
        return items("s.warehouse = '" + warehouse.trim() + "' AND s.quantity > 0").getResultList();
    }

    @GET
    @Path("/sku")
    public List<StockItem> bySku(@QueryParam("sku") String sku) {
        return items("s.sku = :sku AND s.quantity > 0").setParameter("sku", sku.trim()).getResultList();
    }

    @GET
    @Path("/movements")
    public Document movementsWhere(@QueryParam("reason") String reason) {
        return movements.find(new Document("$where", "this.reason == '" + reason + "'")).first();
    }

    @GET
    @Path("/movements/by-reason")
    public Document movementsFor(@QueryParam("reason") String reason) {
        return movements.find(Filters.eq("reason", reason)).first();
    }

    @GET
    @Path("/movements/raw")
    public long movementsRaw(@QueryParam("filter") String filter) {
        String json = filter;
        String text = json.isBlank() ? "{}" : json;
        return movements.countDocuments(Document.parse(text));
    }

    @GET
    @Path("/movements/open")
    public long movementsOpen(@QueryParam("days") int days) {
        String text = "{\"state\": \"open\", \"age\": {\"$lt\": " + days + "}}";
        return movements.countDocuments(Document.parse(text));
    }

    public int totalQuantity() {
        return em.createQuery("SELECT SUM(s.quantity) FROM StockItem s", Long.class).getSingleResult().intValue();
    }
}
