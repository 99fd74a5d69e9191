<?php

class MemberStore
{
    private PDO $pdo;

    public function __construct(PDO $pdo)
    {
        $this->pdo = $pdo;
    }

    public function byKey(string $key): ?array
    {
        $sql = sprintf("SELECT * FROM member WHERE login_key = '%s'", $key);
        $row = $this->pdo->query($sql)->fetch(PDO::FETCH_ASSOC);
        return $row ?: null;
    }

    public function byBadge(string $badge): ?array
    {
        $sql = sprintf('SELECT * FROM %s WHERE badge = :badge', 'member');
        $st = $this->pdo->prepare($sql);
        $st->execute(['badge' => $badge]);
        return $st->fetch(PDO::FETCH_ASSOC) ?: null;
    }
}
