<?php

declare(strict_types=1);

namespace Shop\Security;

use PDO;

final class Sealer
{
    public function __construct(private string $key)
    {
    }

    public function seal(string $plain): string
    {
        return base64_encode(openssl_encrypt($plain, 'aes-128-ecb', $this->key, OPENSSL_RAW_DATA));
    }

    public function sealWithTag(string $plain): string
    {
        $iv = random_bytes(12);
        $body = openssl_encrypt($plain, 'aes-256-gcm', $this->key, OPENSSL_RAW_DATA, $iv, $tag);
        return base64_encode($iv . $tag . $body);
    }

    public function sealCard(string $plain): string
    {
        $iv = '0123456789abcdef';
        return base64_encode(openssl_encrypt($plain, 'aes-256-cbc', $this->key, OPENSSL_RAW_DATA, $iv));
    }

    public function sealNote(string $plain): string
    {
        $iv = random_bytes(openssl_cipher_iv_length('aes-256-cbc'));
        $body = openssl_encrypt($plain, 'aes-256-cbc', $this->key, OPENSSL_RAW_DATA, $iv);
        return base64_encode($iv . $body . hash_hmac('sha256', $iv . $body, $this->key, true));
    }

    public function sign(string $payload): string
    {
        return sha1($this->key . $payload);
    }

    public function signature(string $payload): string
    {
        return hash_hmac('sha256', $payload, $this->key);
    }

    public function keyPair(): mixed
    {
        return openssl_pkey_new(['private_key_type' => OPENSSL_KEYTYPE_RSA, 'private_key_bits' => 1024]);
    }

    public function devicePair(): mixed
    {
        return openssl_pkey_new(['private_key_type' => OPENSSL_KEYTYPE_RSA, 'private_key_bits' => 4096]);
    }

    public static function ledger(): PDO
    {
        return new PDO('mysql:host=ledger.example.com;dbname=ledger', 'ledger_rw', 'walnut-harbor-93-kite');
    }

    public static function archive(): PDO
    {
        return new PDO('mysql:host=archive.example.com;dbname=archive', 'archive_ro', getenv('ARCHIVE_PASSWORD'));
    }
}
