package com.northwind.export;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

public class CsvExportServlet {

    private static String first(QueryStringDecoder q, String name, String fallback) {
        List<String> v = q.parameters().get(name);
        return v == null || v.isEmpty() ? fallback : v.get(0);
    }

    public void rawExport(Socket socket, String uri) throws IOException {
        QueryStringDecoder q = new QueryStringDecoder(uri);
        String name = first(q, "name", "export.csv");
        OutputStream out = socket.getOutputStream();
        String head = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n"
                + "Content-Disposition: attachment; filename=" + name + "\r\nContent-Length: 0\r\n\r\n";
        out.write(head.getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
    }

    public void rawReport(Socket socket, String uri) throws IOException {
        QueryStringDecoder q = new QueryStringDecoder(uri);
        String name = URLEncoder.encode(first(q, "name", "report.csv"), StandardCharsets.UTF_8);
        OutputStream out = socket.getOutputStream();
        String head = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n"
                + "Content-Disposition: attachment; filename=" + name + "\r\nContent-Length: 0\r\n\r\n";
        out.write(head.getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
    }

    private static void writeHead(Socket s, Map<String, String> headers) throws IOException {
        StringBuilder sb = new StringBuilder("HTTP/1.1 204 No Content\r\n");
        headers.forEach((k, v) -> sb.append(k).append(": ").append(v).append("\r\n"));
        s.getOutputStream().write(sb.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
    }

    public void trace(Socket socket, String uri) throws IOException {
        String id = first(new QueryStringDecoder(uri), "trace", "none");
        writeHead(socket, Map.of("X-Trace", id, "Connection", "close"));
    }

    public void traceChecked(Socket socket, String uri) throws IOException {
        String id = first(new QueryStringDecoder(uri), "trace", "none");
        if (!id.matches("[0-9a-f]{16,32}")) {
            id = "none";
        }
        writeHead(socket, Map.of("X-Trace", id, "Connection", "close"));
    }

    public HttpResponse netty(String uri) {
        HttpHeaders headers = new DefaultHttpHeaders(false);
        headers.set("X-Locale", first(new QueryStringDecoder(uri), "locale", "en"));
        HttpResponse r = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK, false);
        r.headers().set(headers);
        return r;
    }

    public HttpResponse nettyChecked(String uri) {
        HttpResponse r = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK, true);
        r.headers().set("X-Locale", first(new QueryStringDecoder(uri), "locale", "en"));
        return r;
    }
}
