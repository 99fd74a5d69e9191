<?php

namespace App\Http\Controllers;

use App\Models\Order;
use App\Services\OrderReports;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Blade;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Http;
use Illuminate\Support\Facades\Log;
use Illuminate\Support\Facades\Process;
use Illuminate\Support\Facades\Storage;
use Illuminate\Support\HtmlString;
use Illuminate\Validation\Rule;

class OrderController extends Controller
{
    private const HOOKS = ['stock' => 'https://stock.example.com/hook', 'mail' => 'https://mail.example.com/hook'];

    public function __construct(private OrderReports $reports)
    {
    }

    public function index(Request $request)
    {
        $term = $request->input('q');
        $orders = Order::where('shop_id', Auth::user()->shop_id)
            ->whereRaw("lower(reference) LIKE lower('%" . $term . "%')")
            ->paginate(20);
        return view('orders.index', compact('orders'));
    }

    public function search(Request $request)
    {
        $term = $request->input('q');
        $orders = Order::where('shop_id', Auth::user()->shop_id)
            ->whereRaw('lower(reference) LIKE lower(?)', ['%' . $term . '%'])
            ->paginate(20);
        return view('orders.index', compact('orders'));
    }

    public function sorted(Request $request)
    {
        $data = $request->validate(['sort' => 'required|string|max:60']);
        return Order::query()->orderByRaw($data['sort'] . ' desc')->get();
    }

    public function ordered(Request $request)
    {
        $data = $request->validate(['sort' => ['required', Rule::in(['total', 'placed_at', 'reference'])]]);
        return Order::query()->orderByRaw($data['sort'] . ' desc')->get();
    }

    public function totals(Request $request)
    {
        $group = $request->query('group', 'status');
        return DB::table('orders')->select(DB::raw("$group, sum(total) as total"))->groupBy('status')->get();
    }

    public function recent(Request $request)
    {
        $days = $request->integer('days', 7);
        return DB::table('orders')->where('placed_at', '>', DB::raw("now() - interval '$days days'"))->get();
    }

    public function report(string $region)
    {
        return response()->json($this->reports->byRegion($region));
    }

    public function summary(string $region)
    {
        return response()->json($this->reports->byCountry($region));
    }

    public function update(Request $request, Order $order)
    {
        $order->forceFill($request->all())->save();
        return redirect()->route('orders.show', $order);
    }

    public function annotate(Request $request, Order $order)
    {
        $order->forceFill($request->only(['note', 'reference']))->save();
        return redirect()->route('orders.show', $order);
    }

    public function leave(Request $request)
    {
        return redirect()->away($request->query('to', '/'));
    }

    public function jump(Request $request)
    {
        return redirect()->route('orders.index', ['to' => $request->query('to', '/')]);
    }

    public function hook(Request $request, Order $order)
    {
        $request->validate(['url' => 'required|url']);
        return Http::timeout(3)->post($request->input('url'), $order->toArray())->status();
    }

    public function notify(Request $request, Order $order)
    {
        $url = self::HOOKS[$request->input('target')] ?? self::HOOKS['mail'];
        return Http::timeout(3)->post($url, $order->toArray())->status();
    }

    public function note(Request $request)
    {
        $note = new HtmlString('<em>' . $request->input('note') . '</em>');
        return view('orders.note', ['note' => $note]);
    }

    public function memo(Request $request)
    {
        $note = new HtmlString('<em>' . e($request->input('note')) . '</em>');
        return view('orders.note', ['note' => $note]);
    }

    public function banner(Request $request)
    {
        return view('orders.banner', ['headline' => $request->query('headline', '')]);
    }

    public function ticker(Request $request)
    {
        return view('orders.note', ['note' => $request->query('headline', '')]);
    }

    public function preview(Request $request)
    {
        return response(Blade::render($request->input('layout'), ['shop' => Auth::user()->shop_id]));
    }

    public function draft(Request $request)
    {
        return response(Blade::render('<p>{{ $layout }}</p>', ['layout' => $request->input('layout')]));
    }

    public function label(Request $request)
    {
        $code = $request->input('code');
        return Process::run("barcode -b $code -o /tmp/label.ps")->output();
    }

    public function sticker(Request $request)
    {
        $code = $request->input('code');
        return Process::run(['barcode', '-b', $code, '-o', '/tmp/label.ps'])->output();
    }

    public function invoice(Request $request)
    {
        return response()->download(storage_path('invoices/' . $request->query('file')));
    }

    public function receipt(Request $request)
    {
        return response()->download(storage_path('invoices/' . basename($request->query('file'))));
    }

    public function seen(Request $request)
    {
        Log::info('seen by ' . urldecode($request->header('X-Agent', '')));
        return response()->noContent();
    }

    public function noted(Request $request)
    {
        Log::info('seen by ' . preg_replace('/[[:cntrl:]]+/', ' ', urldecode($request->header('X-Agent', ''))));
        return response()->noContent();
    }

    public function push(Order $order)
    {
        return Http::withOptions(['verify' => false])->post('https://partner.example.com/orders', $order->toArray())->status();
    }

    public function pass(Order $order)
    {
        return Http::withOptions(['verify' => true])->post('https://partner.example.com/orders', $order->toArray())->status();
    }
}
