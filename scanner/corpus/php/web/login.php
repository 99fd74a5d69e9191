<?php

declare(strict_types=1);

require_once __DIR__ . '/../lib/db.php';

const START = '/dashboard.php';

function go(string $where): never
{
    header('Location: ' . $where, true, 303);
    exit;
}

function sign_in(): void
{
    $user = first_row('SELECT id, password_hash FROM users WHERE email = ?', [$_POST['email']]);
    if ($user === null || !password_verify($_POST['password'], $user['password_hash'])) {
        http_response_code(401);
        return;
    }
    session_regenerate_id(true);
    $_SESSION['uid'] = $user['id'];
    go($_GET['next'] ?? START);
}

function sign_in_home(): void
{
    $user = first_row('SELECT id, password_hash FROM users WHERE email = ?', [$_POST['email']]);
    if ($user === null || !password_verify($_POST['password'], $user['password_hash'])) {
        http_response_code(401);
        return;
    }
    session_regenerate_id(true);
    $_SESSION['uid'] = $user['id'];
    go(in_array($_GET['next'] ?? '', ['/dashboard.php', '/orders.php'], true) ? $_GET['next'] : START);
}

function register_user(): void
{
    $hash = md5($_POST['password']);
    rows('INSERT INTO users (email, password_hash) VALUES (?, ?)', [$_POST['email'], $hash]);
}

function enrol_user(): void
{
    $hash = password_hash($_POST['password'], PASSWORD_ARGON2ID);
    rows('INSERT INTO users (email, password_hash) VALUES (?, ?)', [$_POST['email'], $hash]);
}

function avatar_hash(): string
{
    return hash('sha256', strtolower(trim($_POST['email'])));
}

function open_ticket(): void
{
    $target = $_GET['ticket'];
    header("Refresh: 0; url=$target");
}

function open_ticket_list(): void
{
    $target = '/tickets.php?after=' . urlencode($_GET['ticket']);
    header("Refresh: 0; url=$target");
}
