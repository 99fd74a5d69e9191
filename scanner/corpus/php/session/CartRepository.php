<?php

declare(strict_types=1);

namespace Shop\Session;

use Redis;

final class CartRepository
{
    public function __construct(private Redis $redis, private string $key)
    {
    }

    private function thaw(string $frozen): mixed
    {
        return unserialize($frozen);
    }

    public function fromCookie(): array
    {
        $cart = $this->thaw((string) base64_decode($_COOKIE['cart'] ?? ''));
        return is_array($cart) ? $cart : [];
    }

    public function emptyCart(): array
    {
        $cart = $this->thaw('a:1:{s:5:"items";a:0:{}}');
        return ['cart' => $cart, 'previous' => strlen($_COOKIE['cart'] ?? '')];
    }

    public function plainFromCookie(): array
    {
        $cart = unserialize((string) base64_decode($_COOKIE['cart'] ?? ''), ['allowed_classes' => false]);
        return is_array($cart) ? $cart : [];
    }

    public function signedFromCookie(): array
    {
        [$frozen, $mac] = explode('.', $_COOKIE['signed_cart'] ?? '.', 2);
        if (!hash_equals(hash_hmac('sha256', $frozen, $this->key), $mac)) {
            return [];
        }
        return (array) unserialize((string) base64_decode($frozen));
    }

    public function fromRequest(): array
    {
        $decode = 'unserialize';
        $wishes = $decode($_SERVER['HTTP_X_WISHES']);
        return (array) $wishes;
    }

    public function fromUpload(): array
    {
        $items = [];
        foreach (file($_FILES['carts']['tmp_name']) as $line) {
            $items[] = unserialize(rtrim($line));
        }
        return $items;
    }

    public function fromJsonUpload(): array
    {
        $items = [];
        foreach (file($_FILES['carts']['tmp_name']) as $line) {
            $items[] = json_decode($line, true);
        }
        return $items;
    }

    public function save(string $id, array $cart): void
    {
        $this->redis->setex('cart:' . $id, 86400, json_encode($cart));
    }
}
