package com.northwind.crypto;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.PBEKeySpec;

public class RecordCipher {

    private static final SecureRandom RNG = new SecureRandom();

    private static byte[] apply(String transformation, SecretKey key, byte[] data) throws GeneralSecurityException {
        Cipher c = Cipher.getInstance(transformation);
        c.init(Cipher.ENCRYPT_MODE, key);
        return c.doFinal(data);
    }

    public byte[] sealNote(SecretKey key, String note) throws GeneralSecurityException {
        return apply("DES/ECB/PKCS5Padding", key, note.getBytes(StandardCharsets.UTF_8));
    }

    public byte[] sealRecord(SecretKey key, String note) throws GeneralSecurityException {
        byte[] nonce = new byte[12];
        RNG.nextBytes(nonce);
        Cipher c = Cipher.getInstance("AES/GCM/NoPadding");
        c.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(128, nonce));
        byte[] ct = c.doFinal(note.getBytes(StandardCharsets.UTF_8));
        return ByteBuffer.allocate(12 + ct.length).put(nonce).put(ct).array();
    }

    public byte[] sealBlob(SecretKey key, byte[] data) throws GeneralSecurityException {
        byte[] iv = new byte[16];
        Cipher c = Cipher.getInstance("AES/CBC/PKCS5Padding");
        c.init(Cipher.ENCRYPT_MODE, key, new IvParameterSpec(iv));
        return c.doFinal(data);
    }

    public byte[] sealChunk(SecretKey key, byte[] data) throws GeneralSecurityException {
        byte[] iv = new byte[16];
        RNG.nextBytes(iv);
        Cipher c = Cipher.getInstance("AES/CBC/PKCS5Padding");
        c.init(Cipher.ENCRYPT_MODE, key, new IvParameterSpec(iv));
        byte[] ct = c.doFinal(data);
        return ByteBuffer.allocate(16 + ct.length).put(iv).put(ct).array();
    }

    public KeyPair issuePartnerKey() throws GeneralSecurityException {
        KeyPairGenerator g = KeyPairGenerator.getInstance("RSA");
        g.initialize(1024, RNG);
        return g.generateKeyPair();
    }

    public KeyPair issueServerKey() throws GeneralSecurityException {
        KeyPairGenerator g = KeyPairGenerator.getInstance("RSA");
        g.initialize(3072, RNG);
        return g.generateKeyPair();
    }

    public String storePassword(String password) throws GeneralSecurityException {
        MessageDigest md = MessageDigest.getInstance("SHA-256");
        byte[] digest = md.digest(password.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(digest);
    }

    public String storePassphrase(char[] password) throws GeneralSecurityException {
        byte[] salt = new byte[16];
        RNG.nextBytes(salt);
        PBEKeySpec spec = new PBEKeySpec(password, salt, 600_000, 256);
        byte[] digest = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
        return HexFormat.of().formatHex(salt) + ":" + HexFormat.of().formatHex(digest);
    }
}
