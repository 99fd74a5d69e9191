<?php

declare(strict_types=1);

namespace Shop\Templates;

use Smarty;
use Twig\Environment;
use Twig\Loader\ArrayLoader;

class Composer
{
    private Environment $twig;

    public function __construct()
    {
        $this->twig = new Environment(new ArrayLoader([
            'letter' => '<p>Dear {{ name }},</p><p>{{ text }}</p>',
        ]), ['autoescape' => 'html']);
    }

    public function previewLetter(): string
    {
        $template = $this->twig->createTemplate($_POST['template']);
        return $template->render(['name' => $_POST['name']]);
    }

    public function letter(): string
    {
        return $this->twig->render('letter', ['name' => $_POST['name'], 'text' => $_POST['template']]);
    }

    public function banner(): string
    {
        $smarty = new Smarty();
        $smarty->assign('year', date('Y'));
        $source = 'string:<b>' . $_COOKIE['slogan'] . '</b> {$year}';
        return $smarty->fetch($source);
    }

    public function footer(): string
    {
        $smarty = new Smarty();
        $smarty->assign('year', date('Y'));
        $smarty->assign('slogan', htmlspecialchars($_COOKIE['slogan'] ?? '', ENT_QUOTES));
        return $smarty->fetch('string:<b>{$slogan}</b> {$year}');
    }

    private function compile(string $text): string
    {
        return $this->twig->createTemplate($text)->render(['shop' => 'Corner Store']);
    }

    public function subject(): string
    {
        return $this->compile('Re: ' . ($_GET['subject'] ?? ''));
    }

    public function signature(): string
    {
        $subject = $_GET['subject'] ?? '';
        return $this->compile('Your {{ shop }} team') . ' [' . strlen($subject) . ']';
    }
}
