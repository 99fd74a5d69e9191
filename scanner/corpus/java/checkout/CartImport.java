package com.northwind.checkout;

import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputFilter;
import java.io.ObjectInputStream;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.Constructor;
import org.yaml.snakeyaml.constructor.SafeConstructor;

@Path("/cart")
public class CartImport {

    private final ObjectMapper json = new ObjectMapper();

    private static byte[] cookie(HttpServletRequest req, String name) {
        for (Cookie c : req.getCookies()) {
            if (c.getName().equals(name)) {
                return Base64.getDecoder().decode(c.getValue());
            }
        }
        return new byte[0];
    }

    @POST
    @Path("/restore")
    @Consumes("application/octet-stream")
    public int restore(InputStream body) throws IOException, ClassNotFoundException {
        try (ObjectInputStream in = new ObjectInputStream(body)) {
            List<?> cart = (List<?>) in.readObject();
            return cart.size();
        }
    }

    @POST
    @Path("/restore-v2")
    @Consumes("application/octet-stream")
    public int restoreFiltered(InputStream body) throws IOException, ClassNotFoundException {
        try (ObjectInputStream in = new ObjectInputStream(body)) {
            in.setObjectInputFilter(ObjectInputFilter.Config.createFilter(
                    "java.util.ArrayList;java.lang.String;java.lang.Integer;java.lang.Number;maxdepth=5;maxbytes=65536;!*"));
            List<?> cart = (List<?>) in.readObject();
            return cart.size();
        }
    }

    @POST
    @Path("/cookie")
    public int fromCookie(@Context HttpServletRequest req) throws Exception {
        byte[] data = cookie(req, "cart");
        Object o = revive(data);
        return ((List<?>) o).size();
    }

    private static Object revive(byte[] data) throws IOException, ClassNotFoundException {
        ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(data));
        return in.readObject();
    }

    @POST
    @Path("/json-cookie")
    public int fromJsonCookie(@Context HttpServletRequest req) throws Exception {
        byte[] data = cookie(req, "cart");
        List<?> o = json.readValue(data, List.class);
        return o.size();
    }

    @POST
    @Path("/yaml")
    @Consumes("text/yaml")
    public int fromYaml(String text) {
        LoaderOptions options = new LoaderOptions();
        options.setTagInspector(tag -> true);
        Yaml yaml = new Yaml(new Constructor(Object.class, options));
        Map<?, ?> doc = (Map<?, ?>) yaml.load(text);
        return doc.size();
    }

    @POST
    @Path("/plain-yaml")
    @Consumes("text/yaml")
    public int fromPlainYaml(String text) {
        LoaderOptions options = new LoaderOptions();
        options.setMaxAliasesForCollections(20);
        Yaml yaml = new Yaml(new SafeConstructor(options));
        Map<?, ?> doc = (Map<?, ?>) yaml.load(text);
        return doc.size();
    }
}
