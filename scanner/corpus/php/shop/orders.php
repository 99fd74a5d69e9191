<?php

declare(strict_types=1);

require_once __DIR__ . '/../lib/db.php';

const LEGACY_EXPORT = false;

function body(): array
{
    $decoded = json_decode(file_get_contents('php://input'), true);
    return is_array($decoded) ? $decoded : [];
}

function orders_with_status(): array
{
    $status = body()['status'] ?? 'open';
    return rows("SELECT id, total FROM orders WHERE status = '{$status}' ORDER BY id DESC");
}

function orders_in_status(): array
{
    $status = body()['status'] ?? 'open';
    return rows('SELECT id, total FROM orders WHERE status = :status ORDER BY id DESC', ['status' => $status]);
}

function orders_with_numbers(): array
{
    $parts = [];
    foreach (body()['numbers'] ?? [] as $number) {
        $parts[] = "'" . $number . "'";
    }
    return db()->query('SELECT id, total FROM orders WHERE number IN (' . implode(',', $parts) . ')')->fetchAll();
}

function orders_with_ids(): array
{
    $parts = array_map('intval', body()['ids'] ?? []) ?: [0];
    return db()->query('SELECT id, total FROM orders WHERE id IN (' . implode(',', $parts) . ')')->fetchAll();
}

function open_orders(): array
{
    $status = $_POST['status'] ?? '';
    $status = 'open';
    return rows("SELECT id, total FROM orders WHERE status = '$status'");
}

function export_orders(): array
{
    $suffix = '';
    if (LEGACY_EXPORT) {
        $suffix = ' WHERE region = ' . $_GET['region'];
    }
    return rows('SELECT id, total FROM orders' . $suffix);
}

function total(array $orders): int
{
    return array_sum(array_column($orders, 'total'));
}
