#!/usr/bin/env php
<?php

declare(strict_types=1);

const ENVIRONMENTS = ['staging', 'production'];
const VERBOSE_HOOK = false;

function say(string $text): void
{
    fwrite(STDOUT, date('H:i:s ') . $text . PHP_EOL);
}

function checkout(array $argv): void
{
    $branch = $argv[2];
    passthru("git checkout $branch");
}

function release(array $argv): void
{
    $environment = $argv[2] ?? 'staging';
    if (!in_array($environment, ENVIRONMENTS, true)) {
        say('unknown environment');
        exit(2);
    }
    passthru("make release ENV=$environment");
}

function ping_hosts(string $inventory): void
{
    foreach (file($inventory, FILE_IGNORE_NEW_LINES) as $host) {
        say(`ping -c 1 $host`);
    }
}

function ping_addresses(string $inventory): void
{
    foreach (file($inventory, FILE_IGNORE_NEW_LINES) as $host) {
        if (filter_var($host, FILTER_VALIDATE_IP) === false) {
            continue;
        }
        say((string) shell_exec('ping -c 1 ' . $host));
    }
}

function notify(): void
{
    $launch = 'system';
    $launch('curl -s https://deploy.example.com/done?by=' . getenv('DEPLOY_USER'));
}

function announce(): void
{
    $launch = 'system';
    $launch('curl -s https://deploy.example.com/done');
    say('announced by ' . getenv('DEPLOY_USER'));
}

function hook(array $argv): void
{
    if (VERBOSE_HOOK === true) {
        system('sh -x ' . $argv[3]);
    }
    say('hook skipped');
}

match ($argv[1] ?? '') {
    'checkout' => checkout($argv),
    'release' => release($argv),
    'ping' => ping_hosts($argv[2]),
    'ping-ip' => ping_addresses($argv[2]),
    'notify' => notify(),
    'announce' => announce(),
    'hook' => hook($argv),
    default => say('usage: fleet checkout|release|ping|notify'),
};
