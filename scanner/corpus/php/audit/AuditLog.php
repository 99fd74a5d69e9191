<?php

declare(strict_types=1);

namespace Shop\Audit;

class AuditLog
{
    public function __construct(private string $file = '/var/log/shop/audit.log')
    {
    }

    private function append(string $line): void
    {
        file_put_contents($this->file, date('c') . ' ' . $line . "\n", FILE_APPEND | LOCK_EX);
    }

    public function failedLogin(): void
    {
        $this->append('login failed for ' . $_POST['email']);
    }

    public function rejectedLogin(): void
    {
        $this->append('login failed for ' . json_encode((string) $_POST['email']));
    }

    public function unknownPage(): void
    {
        $agent = $_SERVER['HTTP_USER_AGENT'] ?? '-';
        $page = urldecode($_SERVER['REQUEST_URI'] ?? '/');
        error_log(sprintf("[%s] 404 %s %s\n", date('c'), $page, $agent), 3, $this->file);
    }

    public function missingPage(): void
    {
        $agent = preg_replace('/[\x00-\x1f\x7f]/', ' ', $_SERVER['HTTP_USER_AGENT'] ?? '-');
        $page = preg_replace('/[\x00-\x1f\x7f]/', ' ', urldecode($_SERVER['REQUEST_URI'] ?? '/'));
        error_log(sprintf("[%s] 404 %s %s\n", date('c'), $page, $agent), 3, $this->file);
    }

    public function downloadCounted(): void
    {
        $this->append('download of document ' . (int) $_GET['id']);
    }

    public function size(): int
    {
        return (int) filesize($this->file);
    }
}
