package com.northwind.files;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;

public class ArchiveUnpacker {

    private final Path workspace;

    public ArchiveUnpacker(Path workspace) {
        this.workspace = workspace.toAbsolutePath().normalize();
    }

    public int unpack(InputStream upload, File targetDir) throws IOException {
        int count = 0;
        try (ZipInputStream zip = new ZipInputStream(upload)) {
            ZipEntry entry;
            while ((entry = zip.getNextEntry()) != null) {
                File out = new File(targetDir, entry.getName());
                if (entry.isDirectory()) {
                    out.mkdirs();
                    continue;
                }
                out.getParentFile().mkdirs();
                try (OutputStream os = new FileOutputStream(out)) {
                    zip.transferTo(os);
                }
                count++;
            }
        }
        return count;
    }

    public int unpackProject(InputStream upload) throws IOException {
        int count = 0;
        try (ZipInputStream zip = new ZipInputStream(upload)) {
            ZipEntry entry;
            while ((entry = zip.getNextEntry()) != null) {
                Path out = workspace.resolve(entry.getName()).normalize();
                if (!out.startsWith(workspace)) {
                    throw new IOException("entry outside of workspace");
                }
                if (entry.isDirectory()) {
                    Files.createDirectories(out);
                    continue;
                }
                Files.createDirectories(out.getParent());
                Files.copy(zip, out, StandardCopyOption.REPLACE_EXISTING);
                count++;
            }
        }
        return count;
    }

    public List<String> unpackFlat(File archive) throws IOException {
        List<String> names = new ArrayList<>();
        try (ZipFile zip = new ZipFile(archive)) {
            Enumeration<? extends ZipEntry> entries = zip.entries();
            while (entries.hasMoreElements()) {
                ZipEntry e = entries.nextElement();
                String fileName = e.getName();
                names.add(fileName);
                fileName = "part-" + names.size() + ".bin";
                Files.copy(zip.getInputStream(e), workspace.resolve(fileName), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        return names;
    }

    public long sizeOf(File archive) throws IOException {
        long total = 0;
        try (ZipFile zip = new ZipFile(archive)) {
            Enumeration<? extends ZipEntry> entries = zip.entries();
            while (entries.hasMoreElements()) {
                total += Math.max(0, entries.nextElement().getSize());
            }
        }
        return total;
    }
}
