<?php

declare(strict_types=1);

namespace Shop\Import;

use DOMDocument;
use SimpleXMLElement;
use XMLReader;

class XmlImporter
{
    private const FLAGS = LIBXML_NOENT | LIBXML_DTDLOAD;

    private function load(string $xml, int $flags = 0): DOMDocument
    {
        $document = new DOMDocument();
        $document->loadXML($xml, $flags | LIBXML_NOBLANKS);
        return $document;
    }

    public function order(): array
    {
        $xml = file_get_contents('php://input');
        $order = simplexml_load_string($xml, SimpleXMLElement::class, LIBXML_NOENT);
        return ['number' => (string) $order->number, 'note' => (string) $order->note];
    }

    public function quote(): array
    {
        $xml = file_get_contents('php://input');
        $order = simplexml_load_string($xml, SimpleXMLElement::class, LIBXML_NONET);
        return ['number' => (string) $order->number, 'note' => (string) $order->note];
    }

    public function catalog(): int
    {
        $document = $this->load($_POST['catalog'], self::FLAGS);
        return $document->getElementsByTagName('item')->length;
    }

    public function prices(): int
    {
        $document = $this->load($_POST['catalog'], LIBXML_NONET);
        return $document->getElementsByTagName('price')->length;
    }

    public function stream(): array
    {
        $titles = [];
        $reader = new XMLReader();
        $reader->open($_FILES['feed']['tmp_name']);
        $reader->setParserProperty(XMLReader::LOADDTD, true);
        $reader->setParserProperty(XMLReader::SUBST_ENTITIES, true);
        while ($reader->read()) {
            if ($reader->name === 'title') {
                $titles[] = $reader->readString();
            }
        }
        return $titles;
    }

    public function streamTitles(): array
    {
        $titles = [];
        $reader = new XMLReader();
        $reader->open($_FILES['feed']['tmp_name']);
        $reader->setParserProperty(XMLReader::SUBST_ENTITIES, false);
        while ($reader->read()) {
            if ($reader->name === 'title') {
                $titles[] = $reader->readString();
            }
        }
        return $titles;
    }

    public function template(): string
    {
        $document = $this->load('<!DOCTYPE o [<!ENTITY shop "Corner">]><o>&shop;</o>', self::FLAGS);
        return $document->textContent . strlen($_POST['catalog']);
    }
}
