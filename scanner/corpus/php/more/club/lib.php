<?php

function h(?string $s): string
{
    return htmlspecialchars($s ?? '', ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

function connect(): PDO
{
    return new PDO(getenv('CLUB_DSN'), getenv('CLUB_USER'), getenv('CLUB_WORD'), [
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
    ]);
}
