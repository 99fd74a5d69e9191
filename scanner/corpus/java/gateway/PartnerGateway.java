package com.northwind.gateway;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.jsontype.BasicPolymorphicTypeValidator;
import com.fasterxml.jackson.databind.jsontype.impl.LaissezFaireSubTypeValidator;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Map;
import org.dom4j.Document;
import org.dom4j.DocumentException;
import org.dom4j.io.SAXReader;
import org.xml.sax.SAXException;

public class PartnerGateway {

    private static final String HOME = "https://partners.northwind.example";

    private final Map<String, String> portals;

    public PartnerGateway(Map<String, String> portals) {
        this.portals = portals;
    }

    private static SAXReader xmlReader(boolean trustedSource) throws SAXException {
        SAXReader r = new SAXReader();
        if (!trustedSource) {
            r.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        }
        return r;
    }

    public void receiveOrder(Context ctx) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        mapper.activateDefaultTyping(LaissezFaireSubTypeValidator.instance, ObjectMapper.DefaultTyping.EVERYTHING);
        Object order = mapper.readValue(ctx.bodyAsBytes(), Object.class);
        ctx.result(order.getClass().getSimpleName());
    }

    public void receiveOffer(Context ctx) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        BasicPolymorphicTypeValidator ptv = BasicPolymorphicTypeValidator.builder()
                .allowIfSubType("com.northwind.gateway.messages.")
                .build();
        mapper.activateDefaultTyping(ptv, ObjectMapper.DefaultTyping.NON_FINAL);
        Message offer = mapper.readValue(ctx.bodyAsBytes(), Message.class);
        ctx.result(offer.kind());
    }

    public void receiveXml(Context ctx) throws DocumentException, SAXException {
        SAXReader reader = xmlReader(true);
        Document doc = reader.read(new ByteArrayInputStream(ctx.bodyAsBytes()));
        ctx.result(doc.getRootElement().elementText("reference"));
    }

    public void receiveReceipt(Context ctx) throws DocumentException, SAXException {
        SAXReader reader = xmlReader(false);
        Document doc = reader.read(new ByteArrayInputStream(ctx.bodyAsBytes()));
        ctx.result(doc.getRootElement().elementText("reference"));
    }

    public void leave(Context ctx) {
        String[] hops = {HOME, ctx.queryParam("to")};
        String last = hops[hops.length - 1];
        ctx.redirect(last == null ? hops[0] : last, HttpStatus.FOUND);
    }

    public void portal(Context ctx) {
        String target = portals.get(String.valueOf(ctx.queryParam("to")));
        ctx.redirect(target == null ? HOME : target, HttpStatus.FOUND);
    }

    void health(Context ctx) {
        ctx.result("ok");
    }

    public interface Message {
        String kind();
    }
}
