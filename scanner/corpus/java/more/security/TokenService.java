package com.depot.security;

import io.jsonwebtoken.Claims;
import io.jsonwebtoken.Jwts;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Random;
import javax.crypto.Cipher;
import javax.crypto.SecretKeyFactory;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

public class TokenService {

    private static final Random DRAW = new Random();
    private static final SecureRandom ENTROPY = new SecureRandom();

    public String storedPassword(String password, byte[] salt) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(salt);
        return Base64.getEncoder().encodeToString(digest.digest(password.getBytes(StandardCharsets.UTF_8)));
    }

    public String accountPassword(String password, byte[] salt) throws Exception {
        PBEKeySpec spec = new PBEKeySpec(password.toCharArray(), salt, 310_000, 256);
        byte[] key = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
        return Base64.getEncoder().encodeToString(key);
    }

    public boolean sameDocument(byte[] document, String fingerprint) throws Exception {
        byte[] sum = MessageDigest.getInstance("MD5").digest(document);
        return new BigInteger(1, sum).toString(16).equals(fingerprint);
    }

    public byte[] sealShort(byte[] key, byte[] plain) throws Exception {
        Cipher cipher = Cipher.getInstance("DES");
        cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "DES"));
        return cipher.doFinal(plain);
    }

    public byte[] seal(byte[] key, byte[] plain) throws Exception {
        byte[] nonce = new byte[12];
        ENTROPY.nextBytes(nonce);
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, nonce));
        byte[] body = cipher.doFinal(plain);
        byte[] out = new byte[nonce.length + body.length];
        System.arraycopy(nonce, 0, out, 0, nonce.length);
        System.arraycopy(body, 0, out, nonce.length, body.length);
        return out;
    }

    public byte[] sealBlock(SecretKey key, byte[] plain) throws Exception {
        byte[] iv = new byte[16];
        Cipher cipher = Cipher.getInstance("AES/CBC/PKCS5Padding");
        cipher.init(Cipher.ENCRYPT_MODE, key, new IvParameterSpec(iv));
        return cipher.doFinal(plain);
    }

    public String resetToken() {
        return Long.toHexString(DRAW.nextLong()) + Long.toHexString(DRAW.nextLong());
    }

    public String inviteToken() {
        byte[] raw = new byte[24];
        ENTROPY.nextBytes(raw);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(raw);
    }

    public String banner(String[] banners) {
        return banners[DRAW.nextInt(banners.length)];
    }

    public HttpsURLConnection partner(HttpsURLConnection connection) {
        HostnameVerifier verifier = (host, session) -> host != null && !host.isBlank();
        connection.setHostnameVerifier(verifier);
        return connection;
    }

    public SSLContext partnerContext() throws Exception {
        TrustManager[] managers = {new X509TrustManager() {
            public void checkClientTrusted(X509Certificate[] chain, String type) {}
            public void checkServerTrusted(X509Certificate[] chain, String type) {}
            public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
        }};
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers, ENTROPY);
        return context;
    }

    public SSLContext archiveContext() throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, null, ENTROPY);
        return context;
    }

    public String subject(String token) {
        int end = token.lastIndexOf('.');
        Claims claims = Jwts.parser().build().parseUnsecuredClaims(token.substring(0, end + 1)).getPayload();
        return claims.getSubject();
    }

    public String bearer(String token, SecretKey key) {
        Claims claims = Jwts.parser().verifyWith(key).build().parseSignedClaims(token).getPayload();
        return claims.getSubject();
    }
}
