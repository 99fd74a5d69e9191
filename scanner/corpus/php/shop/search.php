<?php

declare(strict_types=1);

require_once __DIR__ . '/../lib/db.php';

const SORTABLE = ['title' => 'p.title', 'price' => 'p.price', 'added' => 'p.added_at'];

function money(int $cents): string
{
    return number_format($cents / 100, 2, '.', ' ') . ' EUR';
}

function find_products(mysqli $db): array
{
    $term = $_GET['q'] ?? '';
    $sql = "SELECT id, title, price FROM products WHERE title LIKE '%$term%' LIMIT 40";
    $result = $db->query($sql);
    return $result->fetch_all(MYSQLI_ASSOC);
}

function find_products_by_title(mysqli $db): array
{
    $term = '%' . ($_GET['q'] ?? '') . '%';
    $stmt = $db->prepare('SELECT id, title, price FROM products WHERE title LIKE ? LIMIT 40');
    $stmt->bind_param('s', $term);
    $stmt->execute();
    return $stmt->get_result()->fetch_all(MYSQLI_ASSOC);
}

function sorted_products(mysqli $db): array
{
    $column = SORTABLE[$_GET['sort'] ?? ''] ?? SORTABLE['title'];
    $direction = ($_GET['dir'] ?? '') === 'desc' ? 'DESC' : 'ASC';
    $result = mysqli_query($db, "SELECT p.id, p.title, p.price FROM products p ORDER BY $column $direction LIMIT 40");
    return mysqli_fetch_all($result, MYSQLI_ASSOC);
}

function products_of_brand(mysqli $db): array
{
    $brand = mysqli_real_escape_string($db, $_COOKIE['brand'] ?? '');
    $result = mysqli_query($db, "SELECT id, title, price FROM products WHERE brand_id = " . $brand);
    return mysqli_fetch_all($result, MYSQLI_ASSOC);
}

function products_of_supplier(mysqli $db): array
{
    $supplier = (int) ($_COOKIE['supplier'] ?? 0);
    $result = mysqli_query($db, "SELECT id, title, price FROM products WHERE supplier_id = " . $supplier);
    return mysqli_fetch_all($result, MYSQLI_ASSOC);
}

function render_heading(): void
{
    $term = $_GET['q'] ?? '';
    echo "<h1>Results for $term</h1>";
}

function render_title(): void
{
    $term = $_GET['q'] ?? '';
    echo '<h1>Results for ' . htmlspecialchars($term, ENT_QUOTES, 'UTF-8') . '</h1>';
}

function render_products(array $products): void
{
    foreach ($products as $product) {
        printf("<li>%s - %s</li>\n", htmlspecialchars($product['title']), money((int) $product['price']));
    }
}
