<?php

namespace App\Http\Controllers;

use App\Models\Report;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Blade;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Http;
use Illuminate\Support\Facades\Storage;

class ReportController extends Controller
{
    private const UPSTREAMS = ['sales' => 'https://sales.example.com', 'stock' => 'https://stock.example.com'];

    public function index(Request $request): JsonResponse
    {
        $reports = DB::table('reports')
            ->whereRaw("owner = '" . $request->query('owner') . "'")
            ->limit(50)
            ->get();
        return response()->json($reports);
    }

    public function mine(Request $request): JsonResponse
    {
        $reports = DB::table('reports')
            ->whereRaw('owner = ?', [$request->query('owner')])
            ->limit(50)
            ->get();
        return response()->json($reports);
    }

    public function byOwner(Request $request): JsonResponse
    {
        $reports = Report::where('owner', $request->query('owner'))->orderBy('id')->get();
        return response()->json($reports);
    }

    public function preview(Request $request)
    {
        $layout = $request->input('layout');
        return response(Blade::render($layout, ['total' => Report::sum('total')]));
    }

    public function card(Request $request)
    {
        $title = $request->input('title');
        return response(Blade::render('<h2>{{ $title }}</h2><p>{{ $total }}</p>', [
            'title' => $title,
            'total' => Report::sum('total'),
        ]));
    }

    public function fetch(Request $request): JsonResponse
    {
        $response = Http::timeout(5)->get($request->input('source'));
        return response()->json(['length' => strlen($response->body())]);
    }

    public function fetchFrom(Request $request): JsonResponse
    {
        $base = self::UPSTREAMS[$request->input('source')] ?? abort(404);
        $response = Http::timeout(5)->get($base . '/summary.json');
        return response()->json(['length' => strlen($response->body())]);
    }

    public function leave(Request $request)
    {
        return redirect()->away($request->query('to', '/'));
    }

    public function back(Request $request)
    {
        return redirect()->route('reports.index', ['from' => $request->query('to', '/')]);
    }

    private function latest(): ?Report
    {
        return Report::query()->latest()->first();
    }
}
