<?php

declare(strict_types=1);

const BASE_DN = 'ou=people,dc=example,dc=com';

function directory()
{
    $link = ldap_connect('ldaps://directory.example.com');
    ldap_set_option($link, LDAP_OPT_PROTOCOL_VERSION, 3);
    ldap_bind($link, getenv('LDAP_USER'), getenv('LDAP_PASSWORD'));
    return $link;
}

function entries(string $filter): array
{
    $link = directory();
    $found = ldap_search($link, BASE_DN, $filter, ['cn', 'mail']);
    return ldap_get_entries($link, $found);
}

function person(): array
{
    $link = directory();
    $found = ldap_search($link, BASE_DN, '(uid=' . $_GET['uid'] . ')', ['cn', 'mail']);
    return ldap_get_entries($link, $found);
}

function person_entry(): array
{
    $link = directory();
    $found = ldap_search($link, BASE_DN, '(uid=' . ldap_escape($_GET['uid'], '', LDAP_ESCAPE_FILTER) . ')', ['cn', 'mail']);
    return ldap_get_entries($link, $found);
}

function people_in_department(): array
{
    $department = $_SERVER['HTTP_X_DEPARTMENT'] ?? 'sales';
    return entries("(&(objectClass=person)(ou=$department))");
}

function people_in_sales(): array
{
    $department = $_SERVER['HTTP_X_DEPARTMENT'] ?? 'sales';
    $people = entries('(&(objectClass=person)(ou=sales))');
    return ['asked' => $department, 'people' => $people];
}

function people_with_numbers(): array
{
    $filter = '';
    foreach (explode(',', $_POST['numbers']) as $number) {
        $filter .= '(employeeNumber=' . $number . ')';
    }
    return entries('(|' . $filter . ')');
}

function people_with_ids(): array
{
    $filter = '';
    foreach (explode(',', $_POST['numbers']) as $number) {
        $filter .= '(employeeNumber=' . (int) $number . ')';
    }
    return entries('(|' . $filter . ')');
}
