<?php

function clean_text(string $text): string
{
    return trim(preg_replace('/\s+/', ' ', $text));
}

function clean_word(string $text): string
{
    return preg_replace('/[^A-Za-z0-9]/', '', $text);
}
