<?php

declare(strict_types=1);

session_start();

function e(?string $text): string
{
    return htmlspecialchars((string) $text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

function layout(string $title, string $content): void
{
    echo '<!doctype html><html><head><title>', e($title), '</title></head><body>', $content, '</body></html>';
}

function show_profile(): void
{
    $name = $_POST['name'] ?? 'guest';
    $content = '<h1>Profile of ' . $name . '</h1>';
    layout('Profile', $content);
}

function show_profile_card(): void
{
    $name = $_POST['name'] ?? 'guest';
    $content = '<h1>Profile of ' . e($name) . '</h1>';
    layout('Profile', $content);
}

function show_profile_title(): void
{
    $name = $_POST['name'] ?? 'guest';
    layout('Profile of ' . $name, '<h1>Profile</h1>');
}

function show_referrer(): void
{
    $parts = [];
    $parts['label'] = 'You came from ';
    $parts['link'] = $_GET['from'] ?? '';
    print '<p>' . implode('', $parts) . '</p>';
}

function show_age(): void
{
    $age = filter_input(INPUT_GET, 'age', FILTER_VALIDATE_INT);
    echo '<p>Age: ' . ($age === false || $age === null ? 'unknown' : $age) . '</p>';
}

function show_badges(): void
{
    foreach ($_GET['badges'] ?? [] as $badge) {
        echo '<li class=badge>' . strtoupper(trim($badge)) . '</li>';
    }
}

function show_badge_counts(): void
{
    foreach ($_GET['badges'] ?? [] as $badge) {
        echo '<li class=badge>' . strlen(trim($badge)) . '</li>';
    }
}

function export_profile(): void
{
    header('Content-Type: application/json');
    echo json_encode(['name' => $_POST['name'] ?? 'guest', 'theme' => $_COOKIE['theme'] ?? 'light']);
}
