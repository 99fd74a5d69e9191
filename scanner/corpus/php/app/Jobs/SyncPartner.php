<?php

namespace App\Jobs;

use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Process;

class SyncPartner implements ShouldQueue
{
    use Queueable;

    public function __construct(private string $partner)
    {
    }

    public static function accept(Request $request): array
    {
        $path = $request->header('X-Partner-Path', 'default');
        $tool = fn (string $arguments) => Process::run('rsync -a ' . $arguments)->output();
        return ['log' => $tool('/srv/outbox/ partner.example.com:' . $path)];
    }

    public static function acceptDefault(Request $request): array
    {
        $path = $request->header('X-Partner-Path', 'default');
        $tool = fn (string $arguments) => Process::run('rsync -a ' . $arguments)->output();
        return ['asked' => $path, 'log' => $tool('/srv/outbox/ partner.example.com:default')];
    }

    public static function inspect(Request $request): array
    {
        $partner = $request->route('partner');
        return ['log' => Process::run(['ls', '-l', '--', '/srv/outbox/p-' . basename($partner)])->output()];
    }

    public static function template(Request $request)
    {
        $name = $request->route('partner');
        $view = ['a' => 'partners.a', 'b' => 'partners.b'][$name] ?? 'partners.default';
        return view($view, ['partner' => $name]);
    }

    public function handle(): void
    {
        logger()->info('partner synchronised', ['partner' => $this->partner]);
    }
}
