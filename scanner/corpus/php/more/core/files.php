<?php

namespace Core;

class Files
{
    private const BASE = '/srv/core/files';
    private const PAGES = ['start' => 'start.php', 'about' => 'about.php'];

    public function read(): string
    {
        $name = str_replace('../', '', $_GET['name']);
        return file_get_contents(self::BASE . '/' . $name);
    }

    public function fetch(): string
    {
        $name = basename($_GET['name']);
        return file_get_contents(self::BASE . '/' . $name);
    }

    public function stream(): void
    {
        $path = self::BASE . '/' . $_GET['name'];
        if (strpos($path, self::BASE) !== 0) {
            http_response_code(404);
            return;
        }
        readfile($path);
    }

    public function send(): void
    {
        $path = realpath(self::BASE . '/' . $_GET['name']);
        if ($path === false || strpos($path, self::BASE . DIRECTORY_SEPARATOR) !== 0) {
            http_response_code(404);
            return;
        }
        readfile($path);
    }

    public function page(): void
    {
        $page = $_GET['page'] ?? 'start';
        include __DIR__ . '/pages/' . $page . '.php';
    }

    public function view(): void
    {
        $page = self::PAGES[$_GET['page'] ?? 'start'] ?? 'start.php';
        include __DIR__ . '/pages/' . $page;
    }

    public function unpack(): int
    {
        $zip = new \ZipArchive();
        $zip->open($_FILES['archive']['tmp_name']);
        for ($i = 0; $i < $zip->numFiles; $i++) {
            $name = $zip->getNameIndex($i);
            file_put_contents(self::BASE . '/' . $name, $zip->getFromIndex($i));
        }
        return $zip->numFiles;
    }

    public function unfold(): int
    {
        $zip = new \ZipArchive();
        $zip->open($_FILES['archive']['tmp_name']);
        for ($i = 0; $i < $zip->numFiles; $i++) {
            $name = $zip->getNameIndex($i);
            if (!preg_match('/\A[a-z0-9_]{1,40}\.txt\z/', $name)) {
                continue;
            }
            file_put_contents(self::BASE . '/' . $name, $zip->getFromIndex($i));
        }
        return $zip->numFiles;
    }

    public function upload(): void
    {
        $ending = pathinfo($_FILES['picture']['name'], PATHINFO_EXTENSION);
        if ($ending === 'php') {
            http_response_code(415);
            return;
        }
        move_uploaded_file($_FILES['picture']['tmp_name'], '/var/www/html/pictures/' . bin2hex(random_bytes(8)) . '.' . $ending);
    }

    public function receive(): void
    {
        $ending = strtolower(pathinfo($_FILES['picture']['name'], PATHINFO_EXTENSION));
        if (!in_array($ending, ['png', 'jpg', 'gif'], true)) {
            http_response_code(415);
            return;
        }
        move_uploaded_file($_FILES['picture']['tmp_name'], '/var/www/html/pictures/' . bin2hex(random_bytes(8)) . '.' . $ending);
    }

    public function pack(): string
    {
        $name = escapeshellcmd($_POST['name']);
        return shell_exec("cd /srv/core/files && tar czf - $name | base64");
    }

    public function bundle(): string
    {
        $name = escapeshellarg($_POST['name']);
        return shell_exec("cd /srv/core/files && tar czf - -- $name | base64");
    }

    public function thumbnail(): void
    {
        $size = $_GET['size'] ?? '100x100';
        exec('convert /srv/core/files/cover.png -resize ' . $size . ' /tmp/out.png', $lines, $code);
        http_response_code($code === 0 ? 200 : 500);
    }

    public function scaled(): void
    {
        $size = $_GET['size'] ?? '100x100';
        if (!preg_match('/\A\d{1,4}x\d{1,4}\z/', $size)) {
            $size = '100x100';
        }
        exec('convert /srv/core/files/cover.png -resize ' . $size . ' /tmp/out.png', $lines, $code);
        http_response_code($code === 0 ? 200 : 500);
    }

    public function rotated(): void
    {
        $angle = $_GET['angle'] ?? '0';
        if (!preg_match('/^\d{1,3}/', $angle)) {
            $angle = '0';
        }
        system("convert /srv/core/files/cover.png -rotate {$angle} /tmp/out.png");
    }

    public function checked(): void
    {
        $tool = 'md5sum';
        if (false) {
            $tool = $_GET['tool'];
        }
        passthru($tool . ' /srv/core/files/cover.png');
    }

    public function share(string $file): void
    {
        touch($file);
        chmod($file, 0666);
    }

    public function hide(string $file): void
    {
        touch($file);
        chmod($file, 0600);
    }

    public function spool(string $data): string
    {
        $name = sys_get_temp_dir() . '/core_' . date('Ymd') . '.spool';
        file_put_contents($name, $data);
        return $name;
    }

    public function scratch(string $data): string
    {
        $name = tempnam(sys_get_temp_dir(), 'core');
        file_put_contents($name, $data);
        return $name;
    }
}
