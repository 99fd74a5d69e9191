<?php

declare(strict_types=1);

const OPERATIONS = ['sum' => 'array_sum', 'product' => 'array_product', 'count' => 'count'];

function numbers(string $text): array
{
    return array_map('floatval', explode(',', $text));
}

function run_formula(string $code, array $vars): mixed
{
    extract($vars, EXTR_SKIP);
    return eval('return ' . $code . ';');
}

function price_formula(): string
{
    $price = run_formula($_POST['formula'], ['base' => 120, 'rate' => 0.2]);
    return json_encode(['price' => $price]);
}

function price_default(): string
{
    $price = run_formula('$base * (1 + $rate)', ['base' => (float) $_POST['base'], 'rate' => 0.2]);
    return json_encode(['price' => $price, 'formula' => $_POST['formula']]);
}

function aggregate(): string
{
    $operation = $_GET['op'];
    return json_encode(['value' => call_user_func($operation, $_GET['values'])]);
}

function aggregate_named(): string
{
    $operation = OPERATIONS[$_GET['op'] ?? ''] ?? 'count';
    return json_encode(['value' => call_user_func($operation, numbers($_GET['values']))]);
}

function ask_model(string $question): string
{
    $curl = curl_init('https://llm.example.com/v1/complete');
    curl_setopt_array($curl, [
        CURLOPT_POST => true,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_POSTFIELDS => json_encode(['prompt' => $question]),
    ]);
    return (string) json_decode((string) curl_exec($curl), true)['text'];
}

function assisted_filter(array $rows): array
{
    $expression = ask_model('Give a PHP expression over $row that keeps what the user wants: ' . $_POST['wish']);
    return array_filter($rows, fn (array $row) => eval("return $expression;"));
}

function assisted_limit(array $rows): array
{
    $answer = ask_model('How many rows does the user want? Digits only: ' . $_POST['wish']);
    return array_slice($rows, 0, (int) $answer);
}
