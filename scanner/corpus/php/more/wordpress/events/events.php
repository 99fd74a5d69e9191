<?php
/**
 * Plugin Name: Village Events
 */

defined('ABSPATH') || exit;

add_action('wp_ajax_events_list', 'events_list');
add_action('wp_ajax_nopriv_events_list', 'events_list');
add_action('wp_ajax_events_find', 'events_find');
add_action('wp_ajax_events_delete', 'events_delete');
add_action('wp_ajax_events_hide', 'events_hide');
add_shortcode('event_title', 'events_title');
add_shortcode('event_link', 'events_link');

function events_table(): string
{
    global $wpdb;
    return $wpdb->prefix . 'events';
}

function events_list()
{
    global $wpdb;
    $place = sanitize_text_field(wp_unslash($_POST['place'] ?? ''));
    $sql = $wpdb->prepare("SELECT id, title FROM " . events_table() . " WHERE place = '$place' AND starts > %s", current_time('mysql'));
    wp_send_json($wpdb->get_results($sql));
}

function events_find()
{
    global $wpdb;
    $place = sanitize_text_field(wp_unslash($_POST['place'] ?? ''));
    $sql = $wpdb->prepare("SELECT id, title FROM " . events_table() . " WHERE place = %s AND starts > %s", $place, current_time('mysql'));
    wp_send_json($wpdb->get_results($sql));
}

function events_by_owner()
{
    global $wpdb;
    $owner = esc_sql($_GET['owner'] ?? '0');
    return $wpdb->get_col("SELECT title FROM " . events_table() . " WHERE owner = " . $owner);
}

function events_by_author()
{
    global $wpdb;
    $owner = absint($_GET['owner'] ?? 0);
    return $wpdb->get_col("SELECT title FROM " . events_table() . " WHERE owner = " . $owner);
}

function events_delete()
{
    global $wpdb;
    if (!current_user_can('delete_posts')) {
        wp_send_json_error(null, 403);
    }
    $wpdb->delete(events_table(), ['id' => absint($_POST['id'] ?? 0)]);
    wp_send_json_success();
}

function events_hide()
{
    global $wpdb;
    check_ajax_referer('events_hide');
    if (!current_user_can('delete_posts')) {
        wp_send_json_error(null, 403);
    }
    $wpdb->update(events_table(), ['hidden' => 1], ['id' => absint($_POST['id'] ?? 0)]);
    wp_send_json_success();
}

function events_title($atts)
{
    $title = wp_unslash($_GET['event_title'] ?? 'Events');
    return '<h2 class="events">' . $title . '</h2>';
}

function events_heading($atts)
{
    $title = wp_unslash($_GET['event_title'] ?? 'Events');
    return '<h2 class="events">' . esc_html($title) . '</h2>';
}

function events_link($atts)
{
    $url = wp_unslash($_GET['event_url'] ?? '');
    return '<a href="' . esc_html($url) . '">more</a>';
}

function events_more($atts)
{
    $url = wp_unslash($_GET['event_url'] ?? '');
    return '<a href="' . esc_url($url) . '">more</a>';
}

function events_after_save()
{
    wp_redirect(esc_url_raw(wp_unslash($_REQUEST['back'] ?? '/')));
    exit;
}

function events_after_cancel()
{
    wp_safe_redirect(wp_unslash($_REQUEST['back'] ?? '/'));
    exit;
}

function events_import()
{
    $answer = wp_remote_get(esc_url_raw(wp_unslash($_POST['feed'] ?? '')));
    return wp_remote_retrieve_body($answer);
}

function events_picture(): string
{
    $ch = curl_init();
    curl_setopt($ch, CURLOPT_URL, $_POST['picture']);
    curl_setopt($ch, CURLOPT_RETURNTRANSFER, true);
    $data = curl_exec($ch);
    curl_close($ch);
    return base64_encode((string) $data);
}

function events_map(): string
{
    $ch = curl_init('https://maps.example.com/static?q=' . rawurlencode($_POST['picture']));
    curl_setopt($ch, CURLOPT_RETURNTRANSFER, true);
    $data = curl_exec($ch);
    curl_close($ch);
    return base64_encode((string) $data);
}

function events_sync(string $url): string
{
    $ch = curl_init($url);
    curl_setopt_array($ch, [CURLOPT_RETURNTRANSFER => true, CURLOPT_SSL_VERIFYPEER => false]);
    return (string) curl_exec($ch);
}

function events_mailbox()
{
    return imap_open('{mail.example.org:993/imap/ssl}INBOX', 'events', 'village-green-lamp');
}

function events_inbox()
{
    return imap_open('{mail.example.org:993/imap/ssl}INBOX', 'events', get_option('events_mail_word'));
}
