<?php
/**
 * Plugin Name: Event Desk
 * Description: Registration desk for small events.
 * Version: 2.4.1
 */

if (!defined('ABSPATH')) {
    exit;
}

function event_desk_table(): string
{
    global $wpdb;
    return $wpdb->prefix . 'event_guests';
}

function event_desk_guests()
{
    global $wpdb;
    $event = wp_unslash($_GET['event']);
    $guests = $wpdb->get_results('SELECT name, seat FROM ' . event_desk_table() . " WHERE event = '" . $event . "'");
    wp_send_json($guests);
}

function event_desk_seats()
{
    global $wpdb;
    $event = wp_unslash($_GET['event']);
    $guests = $wpdb->get_results($wpdb->prepare('SELECT name, seat FROM ' . event_desk_table() . ' WHERE event = %s', $event));
    wp_send_json($guests);
}

function event_desk_badge($atts)
{
    $guest = isset($_REQUEST['guest']) ? wp_unslash($_REQUEST['guest']) : '';
    $class = isset($atts['class']) ? sanitize_html_class($atts['class']) : 'badge';
    return '<div class="' . $class . '">' . $guest . '</div>';
}

function event_desk_label($atts)
{
    $guest = isset($_REQUEST['guest']) ? wp_unslash($_REQUEST['guest']) : '';
    $class = isset($atts['class']) ? sanitize_html_class($atts['class']) : 'label';
    return '<div class="' . $class . '">' . esc_html($guest) . '</div>';
}

function event_desk_return()
{
    wp_redirect(wp_unslash($_REQUEST['return_to']));
    exit;
}

function event_desk_done()
{
    wp_safe_redirect(wp_unslash($_REQUEST['return_to']));
    exit;
}

function event_desk_import()
{
    check_admin_referer('event_desk_import');
    $state = unserialize(base64_decode($_POST['state']));
    update_option('event_desk_state', $state['columns']);
}

function event_desk_restore()
{
    check_admin_referer('event_desk_restore');
    $state = json_decode(base64_decode($_POST['state']), true);
    update_option('event_desk_state', array_map('sanitize_key', $state['columns']));
}

add_action('wp_ajax_event_desk_guests', 'event_desk_guests');
add_action('wp_ajax_event_desk_seats', 'event_desk_seats');
add_action('admin_post_nopriv_event_desk_return', 'event_desk_return');
add_action('admin_post_nopriv_event_desk_done', 'event_desk_done');
add_action('admin_post_event_desk_import', 'event_desk_import');
add_action('admin_post_event_desk_restore', 'event_desk_restore');
add_shortcode('event_badge', 'event_desk_badge');
add_shortcode('event_label', 'event_desk_label');
