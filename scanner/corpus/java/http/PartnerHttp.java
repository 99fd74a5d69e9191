package com.northwind.http;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;
import okhttp3.internal.tls.OkHostnameVerifier;

public class PartnerHttp {

    private final String trustStorePath;

    public PartnerHttp(String trustStorePath) {
        this.trustStorePath = trustStorePath;
    }

    public SSLContext context() throws GeneralSecurityException {
        TrustManager[] managers = {new X509TrustManager() {
            @Override
            public void checkClientTrusted(X509Certificate[] chain, String authType) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String authType) {}

            @Override
            public X509Certificate[] getAcceptedIssuers() {
                return new X509Certificate[0];
            }
        }};
        SSLContext ctx = SSLContext.getInstance("TLSv1.3");
        ctx.init(null, managers, null);
        return ctx;
    }

    public SSLContext storeContext() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = new FileInputStream(trustStorePath)) {
            store.load(in, null);
        }
        TrustManagerFactory tmf = TrustManagerFactory.getInstance("PKIX");
        tmf.init(store);
        SSLContext ctx = SSLContext.getInstance("TLSv1.3");
        ctx.init(null, tmf.getTrustManagers(), null);
        return ctx;
    }

    public OkHttpClient client() {
        return new OkHttpClient.Builder()
                .followRedirects(false)
                .hostnameVerifier((host, session) -> true)
                .build();
    }

    public OkHttpClient pinnedClient() {
        HostnameVerifier base = OkHostnameVerifier.INSTANCE;
        return new OkHttpClient.Builder()
                .followRedirects(false)
                .hostnameVerifier((host, session) -> base.verify(host, session) && host.endsWith(".northwind.example"))
                .build();
    }

    public int status() throws IOException {
        HttpsURLConnection c = (HttpsURLConnection) new URL("https://partner.northwind.example/status").openConnection();
        return c.getResponseCode();
    }
}
