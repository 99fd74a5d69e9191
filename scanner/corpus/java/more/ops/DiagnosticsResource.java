package com.depot.ops;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.ws.rs.*;
import javax.ws.rs.core.Context;
import javax.ws.rs.core.HttpHeaders;
import javax.ws.rs.core.MediaType;

@javax.ws.rs.Path("/diagnostics")
@Produces(MediaType.TEXT_PLAIN)
public class DiagnosticsResource {

    private static final List<String> TOOLS = Arrays.asList("uptime", "df", "free");

    interface Step {
        String run(String argument) throws IOException;
    }

    static class ShellStep implements Step {
        @Override
        public String run(String argument) throws IOException {
            Process p = new ProcessBuilder("/bin/sh", "-c", "dig +short " + argument).start();
            return slurp(p.getInputStream());
        }
    }

    static class ArgumentStep implements Step {
        @Override
        public String run(String argument) throws IOException {
            Process p = new ProcessBuilder("dig", "+short", "-q", argument).start();
            return slurp(p.getInputStream());
        }
    }

    @GET
    @javax.ws.rs.Path("/resolve")
    public String resolve(@QueryParam("host") String host) throws IOException {
        Step step = new ShellStep();
        return step.run(host.trim());
    }

    @GET
    @javax.ws.rs.Path("/lookup")
    public String lookup(@QueryParam("host") String host) throws IOException {
        Step step = new ArgumentStep();
        return step.run(host.trim());
    }

    @POST
    @javax.ws.rs.Path("/tool")
    public String tool(@FormParam("tool") String tool, @FormParam("size") int size) throws IOException {
        if (size > 10) {
            tool = tool + " -h";
        }
        return slurp(Runtime.getRuntime().exec(tool).getInputStream());
    }

    @POST
    @javax.ws.rs.Path("/stat")
    public String stat(@FormParam("tool") String tool) throws IOException {
        int at = TOOLS.indexOf(tool);
        if (at < 0) {
            throw new BadRequestException();
        }
        return slurp(Runtime.getRuntime().exec(TOOLS.get(at)).getInputStream());
    }

    @GET
    @javax.ws.rs.Path("/probe")
    public String probe(@Context HttpHeaders headers) throws IOException {
        String raw = headers.getHeaderString("X-Probe");
        String target = new String(Base64.getDecoder().decode(raw), StandardCharsets.UTF_8);
        List<String> command = new ArrayList<>();
        command.add("sh");
        command.add("-c");
        command.add("nc -z " + target + " 443");
        ProcessBuilder builder = new ProcessBuilder();
        builder.command(command);
        return slurp(builder.start().getInputStream());
    }

    @GET
    @javax.ws.rs.Path("/ping")
    public String ping(@HeaderParam("X-Target") String target) throws IOException {
        int rounds = 86;
        String host = (7 * 42) - rounds > 200 ? "gateway.internal" : target;
        Process p = new ProcessBuilder("sh", "-c", "ping -c1 " + host).start();
        return slurp(p.getInputStream());
    }

    @GET
    @javax.ws.rs.Path("/trace")
    public String trace(@QueryParam("host") String target) throws IOException {
        String mode = "ABC";
        char pick = mode.charAt(1);
        String host;
        switch (pick) {
            case 'A':
                host = "gateway.internal";
                break;
            case 'B':
                host = target;
                break;
            default:
                host = "localhost";
                break;
        }
        return slurp(Runtime.getRuntime().exec(new String[] {"sh", "-c", "traceroute " + host}).getInputStream());
    }

    @GET
    @javax.ws.rs.Path("/port/{port}")
    public String port(@PathParam("port") int port) throws IOException {
        return slurp(Runtime.getRuntime().exec(new String[] {"sh", "-c", "ss -ltn | grep :" + port}).getInputStream());
    }

    void publishKey(Path file, byte[] key) throws IOException {
        Files.write(file, key);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
    }

    void storeKey(Path file, byte[] key) throws IOException {
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(file, key);
    }

    private static String slurp(InputStream in) throws IOException {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
}
