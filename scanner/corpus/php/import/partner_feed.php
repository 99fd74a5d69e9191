<?php

declare(strict_types=1);

require_once __DIR__ . '/../lib/formulas.php';

const FEED_LOG = '/var/log/shop/feed.log';

function feed_document(string $xml): DOMDocument
{
    $document = new DOMDocument();
    $document->substituteEntities = true;
    $document->resolveExternals = true;
    $document->loadXML($xml, LIBXML_DTDLOAD);
    return $document;
}

function log_line(string $line): void
{
    $handle = fopen(FEED_LOG, 'a');
    fwrite($handle, gmdate('c') . "\t" . $line . PHP_EOL);
    fclose($handle);
}

function partner_names(): array
{
    $names = [];
    foreach (feed_document(file_get_contents('php://input'))->getElementsByTagName('name') as $node) {
        $names[] = $node->textContent;
    }
    return $names;
}

function partner_offers(): array
{
    $offers = [];
    $document = new DOMDocument();
    $document->load($_FILES['offers']['tmp_name'], LIBXML_NOENT | LIBXML_DTDLOAD);
    foreach ($document->getElementsByTagName('offer') as $node) {
        $offers[] = $node->getAttribute('id');
    }
    return $offers;
}

function partner_stock(): array
{
    $stock = [];
    $document = new DOMDocument();
    $document->load($_FILES['offers']['tmp_name'], LIBXML_NONET);
    foreach ($document->getElementsByTagName('stock') as $node) {
        $stock[] = (int) $node->textContent;
    }
    return $stock;
}

function note_partner(): void
{
    $partner = rawurldecode($_GET['partner']);
    log_line("feed requested by $partner");
}

function note_partner_id(): void
{
    $partner = filter_var($_GET['partner'], FILTER_VALIDATE_INT);
    log_line('feed requested by ' . ($partner === false ? 'unknown' : $partner));
}

function partner_mail($link): array
{
    $filters = ['person' => '(objectClass=person)', 'org' => "(o={$_POST['org']})"];
    $found = ldap_list($link, 'ou=partners,dc=example,dc=com', '(&' . implode('', $filters) . ')', ['mail']);
    return ldap_get_entries($link, $found);
}

function partner_phone($link): array
{
    $org = preg_replace('/[^a-z0-9]/i', '', $_POST['org']);
    $found = ldap_list($link, 'ou=partners,dc=example,dc=com', "(&(objectClass=person)(o=$org))", ['telephoneNumber']);
    return ldap_get_entries($link, $found);
}

function partner_discount(array $order): float
{
    return (float) run_formula($_REQUEST['discount'], ['total' => $order['total']]);
}

function partner_rebate(array $order): float
{
    return (float) run_formula('$total * 0.05', ['total' => (float) $order['total']]);
}

function partner_heading(): void
{
    $render = fn (string $text): string => "<h2>$text</h2>";
    echo $render($_GET['partner']);
}
