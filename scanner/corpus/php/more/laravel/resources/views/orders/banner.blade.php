@extends('layouts.app')

@section('content')
    <h2>{{ __('Banner') }}</h2>
    <div class="banner">{!! $headline !!}</div>
@endsection
