<?php

namespace App\Services;

use Illuminate\Http\Request;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Log;
use Illuminate\Support\Str;

class Exporter
{
    private string $folder = '/srv/exports';

    private function dump(string $table, string $options): int
    {
        $command = "mysqldump $options shop $table > $this->folder/latest.sql";
        system($command, $status);
        return $status;
    }

    public function table(Request $request): array
    {
        return ['status' => $this->dump($request->input('table'), '--skip-comments')];
    }

    public function orders(Request $request): array
    {
        return ['asked' => $request->input('table'), 'status' => $this->dump('orders', '--skip-comments')];
    }

    public function compress(Request $request): array
    {
        $level = $request->json('level');
        $handle = popen('gzip -' . $level . ' ' . $this->folder . '/latest.sql', 'r');
        return ['status' => pclose($handle)];
    }

    public function compressBest(Request $request): array
    {
        $level = max(1, min(9, (int) $request->json('level')));
        $handle = popen('gzip -' . $level . ' ' . $this->folder . '/latest.sql', 'r');
        return ['status' => pclose($handle)];
    }

    public function read(Request $request): string
    {
        return file_get_contents($this->folder . '/' . $request->query('file'));
    }

    public function readSlug(Request $request): string
    {
        return file_get_contents($this->folder . '/' . Str::slug($request->query('file')) . '.csv');
    }

    public function rows(Request $request): array
    {
        return DB::select('SELECT * FROM exports ORDER BY ' . $request->input('order_by') . ' LIMIT 100');
    }

    public function count(): int
    {
        Log::debug('counting exports');
        return count(glob($this->folder . '/*.csv'));
    }
}
