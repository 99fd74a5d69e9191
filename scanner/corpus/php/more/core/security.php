<?php

namespace Core;

class Security
{
    private string $key;

    public function __construct(string $key)
    {
        $this->key = $key;
    }

    public function store(string $password): string
    {
        $salt = bin2hex(random_bytes(8));
        return $salt . ':' . sha1($salt . $password);
    }

    public function keep(string $password): string
    {
        return password_hash($password, PASSWORD_DEFAULT);
    }

    public function signLink(string $path): string
    {
        return $path . '?s=' . md5($this->key . $path);
    }

    public function sealLink(string $path): string
    {
        return $path . '?s=' . hash_hmac('sha256', $path, $this->key);
    }

    public function encrypt(string $plain): string
    {
        return base64_encode(openssl_encrypt($plain, 'aes-128-ecb', $this->key, OPENSSL_RAW_DATA));
    }

    public function protect(string $plain): string
    {
        $nonce = random_bytes(12);
        $body = openssl_encrypt($plain, 'aes-256-gcm', $this->key, OPENSSL_RAW_DATA, $nonce, $tag);
        return base64_encode($nonce . $tag . $body);
    }

    public function conceal(string $plain): string
    {
        $iv = str_repeat("\0", 16);
        return base64_encode(openssl_encrypt($plain, 'aes-256-cbc', $this->key, OPENSSL_RAW_DATA, $iv));
    }

    public function cover(string $plain): string
    {
        $iv = openssl_random_pseudo_bytes(16);
        return base64_encode($iv . openssl_encrypt($plain, 'aes-256-cbc', $this->key, OPENSSL_RAW_DATA, $iv));
    }

    public function token(): string
    {
        return md5(uniqid((string) mt_rand(), true));
    }

    public function nonce(): string
    {
        return md5(random_bytes(32));
    }

    public function remember(string $token): void
    {
        setcookie('login_token', $token, time() + 86400, '/', '', false, false);
    }

    public function recall(string $token): void
    {
        setcookie('login_token', $token, ['expires' => time() + 86400, 'path' => '/', 'secure' => true, 'httponly' => true, 'samesite' => 'Lax']);
    }

    public function basket(): array
    {
        $raw = base64_decode($_COOKIE['basket'] ?? '');
        $basket = unserialize($raw);
        return is_array($basket) ? $basket : [];
    }

    public function wishes(): array
    {
        $raw = base64_decode($_COOKIE['wishes'] ?? '');
        $wishes = unserialize($raw, ['allowed_classes' => false]);
        return is_array($wishes) ? $wishes : [];
    }

    public function history(): array
    {
        [$mac, $raw] = explode('.', $_COOKIE['history'] ?? '.', 2);
        $raw = base64_decode($raw);
        if (!hash_equals(hash_hmac('sha256', $raw, $this->key), $mac)) {
            return [];
        }
        return unserialize($raw);
    }

    public function importOrder(): string
    {
        $doc = new \DOMDocument();
        $doc->loadXML(file_get_contents('php://input'), LIBXML_NOENT | LIBXML_DTDLOAD);
        return $doc->documentElement->textContent;
    }

    public function importItem(): string
    {
        $doc = new \DOMDocument();
        $doc->loadXML(file_get_contents('php://input'), LIBXML_NONET);
        return $doc->documentElement->textContent;
    }

    public function role(\SimpleXMLElement $users): string
    {
        $found = $users->xpath("//user[name='" . $_POST['name'] . "']/role");
        return (string) ($found[0] ?? 'none');
    }

    public function group(\SimpleXMLElement $users): string
    {
        $name = preg_replace('/[^A-Za-z]/', '', $_POST['name']);
        $found = $users->xpath("//user[name='" . $name . "']/group");
        return (string) ($found[0] ?? 'none');
    }

    public function lookup($link): int
    {
        $uid = addslashes($_POST['uid']);
        $result = ldap_search($link, 'dc=example,dc=com', "(uid=$uid)");
        return ldap_count_entries($link, $result);
    }

    public function find($link): int
    {
        $uid = ldap_escape($_POST['uid'], '', LDAP_ESCAPE_FILTER);
        $result = ldap_search($link, 'dc=example,dc=com', "(uid=$uid)");
        return ldap_count_entries($link, $result);
    }

    public function member($link): int
    {
        $uid = ldap_escape($_POST['uid'], '', LDAP_ESCAPE_DN);
        $result = ldap_search($link, 'dc=example,dc=com', "(&(objectClass=person)(uid=$uid))");
        return ldap_count_entries($link, $result);
    }

    public function compute(): float
    {
        $formula = $_REQUEST['formula'];
        return (float) eval('return ' . $formula . ';');
    }

    public function reckon(): float
    {
        $formula = preg_replace('#[^0-9+*/() .-]#', '', $_REQUEST['formula']);
        return (float) eval('return ' . $formula . ';');
    }

    public function format(): string
    {
        $how = $_GET['how'] ?? 'trim';
        return (string) $how($_GET['text'] ?? '');
    }

    public function shape(): string
    {
        $table = ['up' => 'strtoupper', 'low' => 'strtolower'];
        $how = $table[$_GET['how'] ?? 'up'] ?? 'trim';
        return $this->plain((string) $how($_GET['text'] ?? ''));
    }

    private function plain(string $text): string
    {
        return htmlspecialchars($text);
    }
}
