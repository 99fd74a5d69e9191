<?php

declare(strict_types=1);

namespace Shop\Files;

use Symfony\Component\HttpFoundation\File\UploadedFile;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use ZipArchive;

class ArchiveImport
{
    private const TARGET = '/srv/import';

    private function put(string $name, string $content): void
    {
        file_put_contents(self::TARGET . '/' . $name, $content);
    }

    public function unpack(Request $request): JsonResponse
    {
        $zip = new ZipArchive();
        $zip->open($request->files->get('archive')->getPathname());
        for ($i = 0; $i < $zip->numFiles; $i++) {
            $name = $zip->getNameIndex($i);
            file_put_contents(self::TARGET . '/' . $name, $zip->getFromIndex($i));
        }
        return new JsonResponse(['files' => $zip->numFiles]);
    }

    public function unpackFlat(Request $request): JsonResponse
    {
        $zip = new ZipArchive();
        $zip->open($request->files->get('archive')->getPathname());
        for ($i = 0; $i < $zip->numFiles; $i++) {
            $name = sprintf('part-%04d.csv', $i);
            file_put_contents(self::TARGET . '/' . $name, $zip->getFromIndex($i));
        }
        return new JsonResponse(['files' => $zip->numFiles]);
    }

    public function saveDraft(Request $request): JsonResponse
    {
        $this->put($request->request->get('title') . '.md', $request->request->get('text'));
        return new JsonResponse(['saved' => true]);
    }

    public function saveLatest(Request $request): JsonResponse
    {
        $this->put('latest.md', $request->request->get('text'));
        return new JsonResponse(['saved' => true]);
    }

    public function keepUpload(Request $request): JsonResponse
    {
        /** @var UploadedFile $file */
        $file = $request->files->get('photo');
        $stored = bin2hex(random_bytes(12)) . '.jpg';
        $file->move(self::TARGET, $stored);
        return new JsonResponse(['name' => $file->getClientOriginalName(), 'stored' => $stored]);
    }
}
