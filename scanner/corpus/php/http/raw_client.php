<?php

declare(strict_types=1);

function one_line(string $text): string
{
    return str_replace(["\r", "\n", "\0"], '', $text);
}

function open_backend()
{
    return stream_socket_client('tls://backend.example.com:443', $code, $message, 5);
}

function read_answer($socket): string
{
    $answer = '';
    while (!feof($socket)) {
        $answer .= fgets($socket, 4096);
    }
    fclose($socket);
    return $answer;
}

function backend_profile(): string
{
    $socket = open_backend();
    $tenant = $_POST['tenant'];
    fwrite($socket, "GET /profile HTTP/1.1\r\nHost: backend.example.com\r\nX-Tenant: $tenant\r\nConnection: close\r\n\r\n");
    return read_answer($socket);
}

function backend_orders(): string
{
    $socket = open_backend();
    $tenant = one_line($_POST['tenant']);
    fwrite($socket, "GET /orders HTTP/1.1\r\nHost: backend.example.com\r\nX-Tenant: $tenant\r\nConnection: close\r\n\r\n");
    return read_answer($socket);
}
