<?php
require_once __DIR__ . '/lib.php';
require_once __DIR__ . '/filters.php';

class Board
{
    private PDO $pdo;
    private array $options = [];

    public function __construct(PDO $pdo)
    {
        $this->pdo = $pdo;
    }

    private function rows(string $sql, array $values = []): array
    {
        $st = $this->pdo->prepare($sql);
        $st->execute($values);
        return $st->fetchAll(PDO::FETCH_ASSOC);
    }

    public function topics(): array
    {
        $forum = clean_text($_GET['forum'] ?? '');
        return $this->rows("SELECT * FROM topic WHERE forum = '$forum' AND hidden = ?", [0]);
    }

    public function threads(): array
    {
        $forum = clean_word($_GET['forum'] ?? '');
        return $this->rows("SELECT * FROM topic WHERE forum = '$forum' AND hidden = ?", [0]);
    }

    public function latest(): array
    {
        $this->options['limit'] = $_POST['limit'] ?? '10';
        $this->options['start'] = 0;
        return $this->rows('SELECT * FROM topic ORDER BY id DESC LIMIT ' . $this->options['limit']);
    }

    public function oldest(): array
    {
        $this->options['limit'] = $_POST['limit'] ?? '10';
        $this->options['start'] = 10;
        return $this->rows('SELECT * FROM topic ORDER BY id LIMIT ' . $this->options['start']);
    }

    public function hiddenFields(): string
    {
        $html = '';
        foreach ($_GET as $key => $value) {
            $html .= '<input type="hidden" name="' . $key . '" value="' . h((string) $value) . '">';
        }
        return $html;
    }

    public function carriedFields(): string
    {
        $html = '';
        foreach ($_GET as $key => $value) {
            $html .= '<input type="hidden" name="' . h((string) $key) . '" value="' . h((string) $value) . '">';
        }
        return $html;
    }

    public function signature(): void
    {
        $text = htmlspecialchars($_POST['signature'] ?? '', ENT_QUOTES);
        $short = mb_substr($text, 0, 400);
        echo '<div class="signature">', html_entity_decode($short), '</div>';
    }

    public function motto(): void
    {
        $text = html_entity_decode($_POST['motto'] ?? '', ENT_QUOTES);
        $short = mb_substr($text, 0, 400);
        echo '<div class="motto">', h($short), '</div>';
    }

    public function crumbs(): void
    {
        [$root, $leaf] = ['Board', urldecode($_SERVER['QUERY_STRING'])];
        echo "<nav>$root &raquo; $leaf</nav>";
    }

    public function trail(): void
    {
        [$root, $leaf] = ['Board', urldecode($_SERVER['QUERY_STRING'])];
        $leaf = gettype($leaf);
        echo "<nav>$root &raquo; $leaf</nav>";
    }

    public function list(): string
    {
        $mark = $_GET['mark'] ?? '';
        $names = array_map(function (array $row) use ($mark): string {
            return '<li>' . $mark . h($row['name']) . '</li>';
        }, $this->rows('SELECT name FROM topic'));
        echo $html = implode('', $names);
        return $html;
    }

    public function menu(): string
    {
        $mark = $_GET['mark'] ?? '';
        $names = array_map(fn (array $row): string => '<li>' . h($mark . $row['name']) . '</li>', $this->rows('SELECT name FROM topic'));
        echo $html = implode('', $names);
        return $html;
    }
}
