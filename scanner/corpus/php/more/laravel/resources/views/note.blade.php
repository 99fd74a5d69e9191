@extends('layouts.app')

@section('content')
    <h2>{{ __('Note') }}</h2>
    <div class="note">{{ $note }}</div>
@endsection
