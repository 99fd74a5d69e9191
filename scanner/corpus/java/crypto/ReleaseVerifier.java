package com.northwind.crypto;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Random;
import org.apache.commons.lang3.RandomStringUtils;

public class ReleaseVerifier {

    private final Random shuffle = new Random();

    private static String digestOf(Path file, String algorithm) throws IOException, NoSuchAlgorithmException {
        MessageDigest md = MessageDigest.getInstance(algorithm);
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), md)) {
            in.transferTo(java.io.OutputStream.nullOutputStream());
        }
        return HexFormat.of().formatHex(md.digest());
    }

    public boolean acceptDownload(Path file, String expected) throws Exception {
        return digestOf(file, "MD5").equalsIgnoreCase(expected);
    }

    public boolean acceptRelease(Path file, String expected) throws Exception {
        return digestOf(file, "SHA-256").equalsIgnoreCase(expected);
    }

    public String resetCode(String user) {
        Random random = new Random(System.currentTimeMillis());
        StringBuilder code = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            code.append((char) ('A' + random.nextInt(26)));
        }
        return user + ":" + code;
    }

    public String sessionToken() {
        SecureRandom random = new SecureRandom();
        byte[] token = new byte[32];
        random.nextBytes(token);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(token);
    }

    public String apiToken() {
        long hi = (long) (Math.random() * Long.MAX_VALUE);
        long lo = (long) (Math.random() * Long.MAX_VALUE);
        return Long.toHexString(hi) + Long.toHexString(lo);
    }

    public String nextBanner(String[] banners) {
        int i = shuffle.nextInt(banners.length);
        return banners[i];
    }

    String placeholderLabel() {
        return "build-" + RandomStringUtils.secure().nextAlphanumeric(4);
    }
}
