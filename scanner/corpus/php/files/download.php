<?php

declare(strict_types=1);

define('DOCUMENTS', '/srv/documents');
$languages = ['en', 'de', 'fr'];

function send_headers(string $name, int $size): void
{
    header('Content-Type: application/octet-stream');
    header('Content-Length: ' . $size);
    header('X-Name-Hash: ' . sha1($name));
}

function download(): void
{
    $file = DOCUMENTS . '/' . $_GET['file'];
    send_headers('document', (int) filesize($file));
    readfile($file);
}

function download_flat(): void
{
    $file = DOCUMENTS . '/' . basename($_GET['file']);
    send_headers('document', (int) filesize($file));
    readfile($file);
}

function download_nested(): void
{
    $file = realpath(DOCUMENTS . '/' . $_GET['file']);
    if ($file === false || !str_starts_with($file, DOCUMENTS . '/')) {
        http_response_code(404);
        return;
    }
    send_headers('document', (int) filesize($file));
    readfile($file);
}

function show_page(): void
{
    $page = $_COOKIE['page'] ?? 'home';
    include __DIR__ . '/pages/' . $page;
}

function show_language(): void
{
    global $languages;
    $language = $_COOKIE['lang'] ?? 'en';
    if (!in_array($language, $languages, true)) {
        $language = 'en';
    }
    include __DIR__ . '/lang/' . $language . '.php';
}

function remove_upload(): void
{
    $target = ['folder' => '/srv/uploads', 'name' => $_POST['name']];
    unlink($target['folder'] . '/' . $target['name']);
    http_response_code(204);
}

function remove_numbered(): void
{
    $number = intval($_POST['name']);
    unlink("/srv/uploads/$number.bin");
    http_response_code(204);
}
