<?php
$theme = $_COOKIE['theme'] ?? 'light';

function theme_script(): string
{
    $theme = $_GET['theme'] ?? $_COOKIE['theme'] ?? 'light';
    return '<script>window.theme = "' . trim($theme) . '";</script>';
}

function theme_data(): string
{
    $theme = $_GET['theme'] ?? $_COOKIE['theme'] ?? 'light';
    return '<script>window.theme = ' . json_encode($theme, JSON_HEX_TAG | JSON_HEX_AMP | JSON_HEX_APOS | JSON_HEX_QUOT) . ';</script>';
}

function theme_class(string $theme): string
{
    return in_array($theme, ['light', 'dark', 'sepia'], true) ? 'theme-' . $theme : 'theme-light';
}
?>
<!doctype html>
<html>
<head>
  <?= isset($_GET['theme']) ? theme_script() : theme_data() ?>
</head>
<body class="<?= theme_class($theme) ?>">
  <p>Pick a theme below.</p>
</body>
</html>
