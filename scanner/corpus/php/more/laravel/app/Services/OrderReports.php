<?php

namespace App\Services;

use Illuminate\Support\Facades\DB;

class OrderReports
{
    public function byRegion(string $region): array
    {
        $sql = "SELECT status, count(*) AS n FROM orders WHERE region = '{$region}' GROUP BY status";
        return DB::select($sql);
    }

    public function byCountry(string $country): array
    {
        $sql = 'SELECT status, count(*) AS n FROM orders WHERE country = ? GROUP BY status';
        return DB::select($sql, [$country]);
    }
}
