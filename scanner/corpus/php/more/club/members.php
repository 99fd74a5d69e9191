<?php
require_once __DIR__ . '/lib.php';
require_once __DIR__ . '/MemberStore.php';

session_start();

const SORTABLE = ['surname', 'joined', 'city'];

function show_member(mysqli $db): void
{
    $id = $db->real_escape_string($_GET['id'] ?? '0');
    $result = $db->query("SELECT surname, city FROM member WHERE id = $id");
    foreach ($result as $row) {
        printf("<li>%s, %s</li>", h($row['surname']), h($row['city']));
    }
}

function show_by_city(mysqli $db): void
{
    $city = $db->real_escape_string($_GET['city'] ?? '');
    $result = $db->query("SELECT surname, city FROM member WHERE city = '$city'");
    foreach ($result as $row) {
        printf("<li>%s, %s</li>", h($row['surname']), h($row['city']));
    }
}

function show_page(PDO $pdo): array
{
    $page = $_GET['page'] ?? 0;
    if (!is_numeric(substr($page, 0, 1))) {
        $page = 0;
    }
    return $pdo->query("SELECT surname FROM member LIMIT 20 OFFSET " . $page)->fetchAll();
}

function show_slice(PDO $pdo): array
{
    $page = (int) ($_GET['page'] ?? 0);
    return $pdo->query("SELECT surname FROM member LIMIT 20 OFFSET " . $page * 20)->fetchAll();
}

function show_sorted(PDO $pdo): array
{
    $column = $_GET['sort'] ?? 'surname';
    if (!in_array($column, SORTABLE, true)) {
        error_log('unknown column');
    }
    return $pdo->query("SELECT surname, city FROM member ORDER BY $column")->fetchAll();
}

function show_ordered(PDO $pdo): array
{
    $column = $_GET['sort'] ?? 'surname';
    if (!in_array($column, SORTABLE, true)) {
        $column = 'surname';
    }
    return $pdo->query("SELECT surname, city FROM member ORDER BY $column")->fetchAll();
}

function greet(MemberStore $store): string
{
    $member = $store->byKey($_COOKIE['member'] ?? '');
    return $member ? 'Hello, ' . h($member['surname']) : 'Hello';
}

function greet_again(MemberStore $store): string
{
    $member = $store->byBadge($_COOKIE['badge'] ?? '');
    return $member ? 'Hello, ' . h($member['surname']) : 'Hello';
}

function search_box(): string
{
    $term = strip_tags($_GET['q'] ?? '');
    return '<input name="q" value="' . $term . '">';
}

function filter_box(): string
{
    $term = htmlspecialchars($_GET['q'] ?? '', ENT_QUOTES, 'UTF-8');
    return '<input name="q" value="' . $term . '">';
}

function tag_box(): string
{
    $term = htmlspecialchars($_GET['tag'] ?? '', ENT_NOQUOTES);
    return "<input name=\"tag\" value=\"$term\">";
}

function form_open(): void
{
    echo '<form method="post" action="' . $_SERVER['PHP_SELF'] . '">';
}

function form_begin(): void
{
    echo '<form method="post" action="' . h($_SERVER['SCRIPT_NAME']) . '">';
}

function go_back(): void
{
    $to = $_GET['to'] ?? '/';
    if (strpos($to, 'https://club.example.org') === 0 || $to === '/') {
        header('Location: ' . $to);
        exit;
    }
}

function go_home(): void
{
    $to = $_GET['to'] ?? '/';
    $parts = parse_url($to);
    if (is_array($parts) && ($parts['scheme'] ?? '') === 'https' && ($parts['host'] ?? '') === 'club.example.org') {
        header('Location: ' . $to);
        exit;
    }
}

function take_level(): void
{
    $_SESSION['level'] = $_POST['level'] ?? 'guest';
}

function take_theme(): void
{
    $_SESSION['theme'] = ($_POST['theme'] ?? '') === 'dark' ? 'dark' : 'light';
}

function change_mail(PDO $pdo): void
{
    if (!isset($_SESSION['member_id']) || $_SERVER['REQUEST_METHOD'] !== 'POST') {
        http_response_code(403);
        return;
    }
    $st = $pdo->prepare('UPDATE member SET mail = ? WHERE id = ?');
    $st->execute([$_POST['mail'], $_SESSION['member_id']]);
}

function change_phone(PDO $pdo): void
{
    if (!isset($_SESSION['member_id']) || !hash_equals($_SESSION['token'] ?? random_bytes(8), $_POST['token'] ?? '')) {
        http_response_code(403);
        return;
    }
    $st = $pdo->prepare('UPDATE member SET phone = ? WHERE id = ?');
    $st->execute([$_POST['phone'], $_SESSION['member_id']]);
}
