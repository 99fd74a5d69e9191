package com.northwind.people;

import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.CookieParam;
import jakarta.ws.rs.FormParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.client.Client;
import jakarta.ws.rs.client.ClientBuilder;
import jakarta.ws.rs.client.WebTarget;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.SecureRandom;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.owasp.encoder.Encode;

@Path("/profile")
public class ProfileResource {

    enum Size { SMALL, LARGE }

    private static final Map<Size, String> FOLDERS = new EnumMap<>(Map.of(Size.SMALL, "s", Size.LARGE, "l"));

    private final Client client = ClientBuilder.newClient();

    private static String layout(String inner) {
        return "<!doctype html><html><body>" + inner + "</body></html>";
    }

    @GET
    @Path("/card/{nick}")
    @Produces(MediaType.TEXT_HTML)
    public String card(@PathParam("nick") String nick) {
        return layout("<h2>" + nick + "</h2>");
    }

    @GET
    @Path("/badge/{nick}")
    @Produces(MediaType.TEXT_HTML)
    public String badge(@PathParam("nick") String nick) {
        return layout("<h2>" + Encode.forHtml(nick) + "</h2>");
    }

    @POST
    @Path("/picture")
    @Consumes(MediaType.APPLICATION_FORM_URLENCODED)
    @Produces("application/octet-stream")
    public byte[] importPicture(@FormParam("source") String source) {
        WebTarget target = client.target(source);
        return target.request().get(byte[].class);
    }

    @POST
    @Path("/gravatar")
    @Consumes(MediaType.APPLICATION_FORM_URLENCODED)
    @Produces("application/octet-stream")
    public byte[] gravatar(@FormParam("hash") String hash) {
        WebTarget target = client.target("https://pictures.northwind.example/by-hash").queryParam("h", "{h}").resolveTemplate("h", hash);
        return target.request().get(byte[].class);
    }

    private static byte[] tail(String path, int limit) throws IOException {
        try (RandomAccessFile f = new RandomAccessFile(path, "r")) {
            f.seek(Math.max(0, f.length() - limit));
            byte[] out = new byte[(int) Math.min(limit, f.length())];
            f.readFully(out);
            return out;
        }
    }

    @GET
    @Path("/activity")
    @Produces("application/octet-stream")
    public byte[] activity(@CookieParam("profile") String profile) throws IOException {
        String file = "/var/lib/portal/activity/" + profile;
        return tail(file, 4096);
    }

    @GET
    @Path("/picture")
    @Produces("application/octet-stream")
    public Response picture(@HeaderParam("X-Picture-Size") String size) throws IOException {
        String folder = FOLDERS.get(Size.valueOf(size));
        return Response.ok(Files.readAllBytes(Paths.get("/srv/portal/default", folder, "face.png"))).build();
    }

    @GET
    @Path("/confirm-token")
    @Produces(MediaType.TEXT_PLAIN)
    public String confirmToken() {
        long a = ThreadLocalRandom.current().nextLong();
        return "confirm-" + Long.toUnsignedString(a, 36);
    }

    @GET
    @Path("/unlock-token")
    @Produces(MediaType.TEXT_PLAIN)
    public String unlockToken() {
        SecureRandom random = new SecureRandom();
        return "unlock-" + Long.toUnsignedString(random.nextLong(), 36) + Long.toUnsignedString(random.nextLong(), 36);
    }
}
