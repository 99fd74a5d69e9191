import { Controller, Headers, Post, Body, UploadedFile, UseInterceptors, Req } from '@nestjs/common';
import { FileInterceptor } from '@nestjs/platform-express';
import * as serialize from 'node-serialize';
import * as libxml from 'libxmljs2';
import { Parser } from 'xml2js';
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';

interface Basket {
  items: string[];
}

const parseXml = libxml.parseXml;

@Controller('exchange')
export class ExchangeController {
  private readonly secret = process.env.EXCHANGE_SECRET as string;

  private thaw<T>(frozen: string): T {
    return serialize.unserialize(frozen) as T;
  }

  private mac(text: string): Buffer {
    return createHmac('sha256', this.secret).update(text).digest();
  }

  @Post('basket')
  basket(@Body('basket') frozen: string): number {
    const basket = this.thaw<Basket>(Buffer.from(frozen, 'base64').toString());
    return basket.items.length;
  }

  @Post('signed-basket')
  signedBasket(@Body('basket') frozen: string, @Headers('x-mac') given: string): number {
    const wanted = this.mac(frozen);
    const actual = Buffer.from(given, 'hex');
    if (wanted.length !== actual.length || !timingSafeEqual(wanted, actual)) {
      return 0;
    }
    return this.thaw<Basket>(frozen).items.length;
  }

  @Post('lines')
  @UseInterceptors(FileInterceptor('file'))
  lines(@UploadedFile() file: Express.Multer.File): number {
    let count = 0;
    for (const line of file.buffer.toString('utf8').split('\n')) {
      const entry = serialize.unserialize(line) as Basket;
      count += entry.items.length;
    }
    return count;
  }

  @Post('plain-lines')
  @UseInterceptors(FileInterceptor('file'))
  plainLines(@UploadedFile() file: Express.Multer.File): number {
    let count = 0;
    for (const line of file.buffer.toString('utf8').split('\n')) {
      const entry = JSON.parse(line) as Basket;
      count += entry.items.length;
    }
    return count;
  }

  @Post('manifest')
  manifest(@Req() request: Request): string {
    const document = parseXml(request.body as string, { noent: true, dtdload: true });
    return document.root()?.text() ?? '';
  }

  @Post('envelope')
  async envelope(@Req() request: Request): Promise<string[]> {
    const parser = new Parser({ explicitArray: false, strict: true });
    const parsed = await parser.parseStringPromise(request.body as string);
    return Object.keys(parsed);
  }

  @Post('labels')
  @UseInterceptors(FileInterceptor('file'))
  labels(@UploadedFile() file: Express.Multer.File): number {
    const options = new Map<string, boolean>([['noent', true], ['dtdload', true]]);
    const document = libxml.parseXml(file.buffer.toString('utf8'), Object.fromEntries(options));
    return document.find('//label').length;
  }
}
