import { BadRequestException, Body, Controller, Delete, Get, Header, Headers, Param, ParseIntPipe, Post, Put, Query, Redirect, Req, Res, UploadedFile, UseInterceptors } from '@nestjs/common';
import { FileInterceptor } from '@nestjs/platform-express';
import { exec, execFile } from 'child_process';
import { Request, Response } from 'express';
import { createReadStream, readFileSync } from 'fs';
import { basename, join, resolve, sep } from 'path';
import { promisify } from 'util';
import sanitizeHtml from 'sanitize-html';
import { ArticlesService } from './articles.service';

const run = promisify(exec);
const runFile = promisify(execFile);
const ATTACHMENTS = '/srv/newsroom/attachments';

interface SearchDto {
  section: string;
  author?: string;
  limit: number;
}

type Section = 'world' | 'sport';

@Controller('articles')
export class ArticlesController {
  constructor(private readonly articles: ArticlesService) {}

  @Get('section')
  async section(@Query('name') name: string) {
    return this.articles.inSection(name);
  }

  @Get('author')
  async author(@Query('name') name: string) {
    return this.articles.byAuthor(name);
  }

  @Post('search')
  async search(@Body() dto: SearchDto) {
    return this.articles.search(dto.section as Section, dto.limit);
  }

  @Get(':id/comments')
  async comments(@Param('id', ParseIntPipe) id: number) {
    return this.articles.commentsOf(id);
  }

  @Get(':id/revisions')
  async revisions(@Param('id') id: number) {
    return this.articles.revisionsOf(id);
  }

  @Post('render')
  async render(@Headers('x-format') format: string) {
    const { stdout } = await run(`pandoc -t ${format} /srv/newsroom/current.md`);
    return { size: stdout.length };
  }

  @Post('typeset')
  async typeset(@Headers('x-format') format: string) {
    const { stdout } = await runFile('pandoc', [`--to=${format}`, '/srv/newsroom/current.md']);
    return { size: stdout.length };
  }

  @Get('attachments')
  attachment(@Query('file') file: string, @Res() res: Response) {
    createReadStream(join(ATTACHMENTS, file)).pipe(res);
  }

  @Get('enclosures')
  enclosure(@Query('file') file: string, @Res() res: Response) {
    const full = resolve(ATTACHMENTS, file);
    if (!full.startsWith(ATTACHMENTS + sep)) {
      throw new BadRequestException();
    }
    createReadStream(full).pipe(res);
  }

  @Get('preview')
  @Header('Content-Type', 'text/html')
  preview(@Query('body') body: string): string {
    return `<article>${body}</article>`;
  }

  @Get('excerpt')
  @Header('Content-Type', 'text/html')
  excerpt(@Query('body') body: string): string {
    return `<article>${sanitizeHtml(body)}</article>`;
  }

  @Get('leave')
  @Redirect()
  leave(@Query('to') to: string) {
    return { url: to, statusCode: 302 };
  }

  @Get('go')
  @Redirect()
  go(@Query('to') to: string) {
    return { url: '/articles/section?name=' + encodeURIComponent(to), statusCode: 302 };
  }

  @Put(':id')
  async update(@Param('id', ParseIntPipe) id: number, @Req() req: Request) {
    return this.articles.repository.save({ id, ...req.body });
  }

  @Put(':id/text')
  async edit(@Param('id', ParseIntPipe) id: number, @Req() req: Request) {
    const { title, text } = req.body;
    return this.articles.repository.save({ id, title: String(title), text: String(text) });
  }
}
