package com.northwind.files;

import jakarta.servlet.http.HttpServletResponse;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import org.apache.commons.io.FilenameUtils;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.CookieValue;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseBody;
import org.springframework.web.multipart.MultipartFile;

@Controller
public class AttachmentController {

    private static final Path ROOT = Paths.get("/srv/attachments");

    private void copyTo(HttpServletResponse resp, File f) throws IOException {
        resp.setContentType("application/octet-stream");
        try (InputStream in = new FileInputStream(f)) {
            in.transferTo(resp.getOutputStream());
        }
    }

    @GetMapping("/attachments")
    public void download(@RequestParam("name") String name, HttpServletResponse resp) throws IOException {
        File f = new File("/srv/attachments/" + name);
        resp.setContentType("application/octet-stream");
        try (InputStream in = new FileInputStream(f)) {
            in.transferTo(resp.getOutputStream());
        }
    }

    @GetMapping("/attachments/path")
    public void downloadByPath(@RequestParam("name") String name, HttpServletResponse resp) throws IOException {
        Path p = ROOT.resolve(name).normalize();
        if (!p.startsWith(ROOT)) {
            resp.sendError(404);
            return;
        }
        copyTo(resp, p.toFile());
    }

    @GetMapping("/theme.css")
    public void theme(@CookieValue("theme") String theme, HttpServletResponse resp) throws IOException {
        File css = new File("/srv/themes", theme);
        copyTo(resp, css);
    }

    @GetMapping("/thumbnails")
    public void thumbnail(@RequestParam("name") String name, HttpServletResponse resp) throws IOException {
        String base = FilenameUtils.getName(name);
        if (base == null || base.isEmpty() || base.equals("..") || base.equals(".")) {
            resp.sendError(400);
            return;
        }
        copyTo(resp, new File("/srv/thumbnails", base));
    }

    @PostMapping("/attachments")
    @ResponseBody
    public String upload(@RequestParam("file") MultipartFile file) throws IOException {
        Path target = ROOT.resolve(file.getOriginalFilename());
        Files.createDirectories(target.getParent());
        Files.copy(file.getInputStream(), target);
        return "stored";
    }

    @GetMapping("/invoices/{number}")
    public ResponseEntity<Resource> invoice(@PathVariable("number") long number) {
        Resource pdf = new FileSystemResource("/srv/invoices/" + number + ".pdf");
        return pdf.exists() ? ResponseEntity.ok(pdf) : ResponseEntity.notFound().build();
    }
}
