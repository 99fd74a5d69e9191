package com.depot.documents;

import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.apache.commons.io.FilenameUtils;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.*;
import org.springframework.web.multipart.MultipartFile;

@Controller
@RequestMapping("/documents")
public class DocumentController {

    private static final Path BASE = Paths.get("/srv/documents");
    private static final Set<String> IMAGE_TYPES = Set.of("png", "jpg", "gif");

    @GetMapping("/raw")
    @ResponseBody
    public byte[] raw(@RequestParam String name) throws IOException {
        Path file = BASE.resolve(name).normalize();
        if (!file.startsWith(BASE)) {
            throw new IllegalArgumentException(name);
        }
        return Files.readAllBytes(file);
    }

    @GetMapping("/preview")
    @ResponseBody
    public byte[] preview(@RequestParam String name) throws IOException {
        Path file = BASE.resolve(name);
        if (!file.startsWith(BASE)) {
            throw new IllegalArgumentException(name);
        }
        return Files.readAllBytes(file.normalize());
    }

    @GetMapping("/old")
    @ResponseBody
    public byte[] old(@RequestParam String name) throws IOException {
        String clean = name.replace("../", "");
        try (InputStream in = new FileInputStream(new File("/srv/documents/old", clean))) {
            return in.readAllBytes();
        }
    }

    @GetMapping("/archive")
    @ResponseBody
    public byte[] archive(@RequestParam String name) throws IOException {
        String clean = FilenameUtils.getName(name);
        try (InputStream in = new FileInputStream(new File("/srv/documents/old", clean))) {
            return in.readAllBytes();
        }
    }

    @PostMapping("/import")
    public ResponseEntity<Integer> importAll(@RequestParam MultipartFile archive) throws IOException {
        int count = 0;
        try (ZipInputStream zip = new ZipInputStream(archive.getInputStream())) {
            ZipEntry entry;
            while ((entry = zip.getNextEntry()) != null) {
                File target = new File("/srv/documents/import", entry.getName());
                if (entry.isDirectory()) {
                    target.mkdirs();
                    continue;
                }
                try (FileOutputStream out = new FileOutputStream(target)) {
                    zip.transferTo(out);
                }
                count++;
            }
        }
        return ResponseEntity.ok(count);
    }

    @PostMapping("/restore")
    public ResponseEntity<Integer> restoreAll(@RequestParam MultipartFile archive) throws IOException {
        int count = 0;
        File folder = new File("/srv/documents/import");
        String prefix = folder.getCanonicalPath() + File.separator;
        try (ZipInputStream zip = new ZipInputStream(archive.getInputStream())) {
            ZipEntry entry;
            while ((entry = zip.getNextEntry()) != null) {
                File target = new File(folder, entry.getName());
                if (!target.getCanonicalPath().startsWith(prefix)) {
                    throw new IOException("entry");
                }
                if (entry.isDirectory()) {
                    target.mkdirs();
                    continue;
                }
                try (FileOutputStream out = new FileOutputStream(target)) {
                    zip.transferTo(out);
                }
                count++;
            }
        }
        return ResponseEntity.ok(count);
    }

    @PostMapping("/avatar")
    public ResponseEntity<String> avatar(@RequestParam MultipartFile picture) throws IOException {
        if (picture.getContentType() == null || !picture.getContentType().startsWith("image/")) {
            return ResponseEntity.badRequest().build();
        }
        String name = FilenameUtils.getName(picture.getOriginalFilename());
        picture.transferTo(new File("/srv/tomcat/webapps/ROOT/avatars", name));
        return ResponseEntity.ok(name);
    }

    @PostMapping("/photo")
    public ResponseEntity<String> photo(@RequestParam MultipartFile picture) throws IOException {
        String ending = FilenameUtils.getExtension(picture.getOriginalFilename()).toLowerCase();
        if (!IMAGE_TYPES.contains(ending)) {
            return ResponseEntity.badRequest().build();
        }
        String name = java.util.UUID.randomUUID() + "." + ending;
        picture.transferTo(new File("/srv/tomcat/webapps/ROOT/avatars", name));
        return ResponseEntity.ok(name);
    }

    public File spool(byte[] data) throws IOException {
        File spool = new File(System.getProperty("java.io.tmpdir"), "depot-spool.dat");
        try (FileOutputStream out = new FileOutputStream(spool)) {
            out.write(data);
        }
        return spool;
    }

    public File scratch(byte[] data) throws IOException {
        Path scratch = Files.createTempFile("depot-", ".dat");
        try (FileOutputStream out = new FileOutputStream(scratch.toFile())) {
            out.write(data);
        }
        return scratch.toFile();
    }
}
