package com.northwind.directory;

import jakarta.ws.rs.CookieParam;
import jakarta.ws.rs.FormParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.QueryParam;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathExpression;
import javax.xml.xpath.XPathExpressionException;
import javax.xml.xpath.XPathFactory;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

@Path("/catalogue")
public class CatalogueXPath {

    private final Document users;
    private final Document parts;

    public CatalogueXPath(Document users, Document parts) {
        this.users = users;
        this.parts = parts;
    }

    @POST
    @Path("/login")
    public boolean login(@FormParam("user") String user, @FormParam("pass") String pass) throws XPathExpressionException {
        XPath xp = XPathFactory.newInstance().newXPath();
        String expr = "//user[@name='" + user + "' and @pin='" + pass + "']";
        NodeList hits = (NodeList) xp.evaluate(expr, users, XPathConstants.NODESET);
        return hits.getLength() == 1;
    }

    @POST
    @Path("/login-v2")
    public boolean loginWithVariables(@FormParam("user") String user, @FormParam("pass") String pass)
            throws XPathExpressionException {
        XPath xp = XPathFactory.newInstance().newXPath();
        xp.setXPathVariableResolver(q -> "u".equals(q.getLocalPart()) ? user : pass);
        NodeList hits = (NodeList) xp.evaluate("//user[@name=$u and @pin=$p]", users, XPathConstants.NODESET);
        return hits.getLength() == 1;
    }

    private String text(String expression) throws XPathExpressionException {
        XPathExpression x = XPathFactory.newInstance().newXPath().compile(expression);
        return x.evaluate(parts);
    }

    @GET
    @Path("/part")
    public String partName(@QueryParam("sku") String sku) throws XPathExpressionException {
        return text("/parts/part[@sku=\"" + sku + "\"]/name");
    }

    @GET
    @Path("/price")
    public String partPrice(@QueryParam("sku") String sku) throws XPathExpressionException {
        if (!sku.matches("[A-Za-z0-9-]{1,20}")) {
            return "";
        }
        return text("/parts/part[@sku=\"" + sku + "\"]/price");
    }

    @GET
    @Path("/shelf")
    public String shelf(@CookieParam("shelf") String shelf) throws XPathExpressionException {
        String wanted = shelf.trim();
        String where = String.format("@shelf='%s'", wanted);
        return text("count(/parts/part[" + where + "])");
    }

    @GET
    @Path("/nth/{n}")
    public String nth(@PathParam("n") int n) throws XPathExpressionException {
        return text("/parts/part[position()=" + n + "]/name");
    }
}
