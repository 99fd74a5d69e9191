import { Component, OnInit, SecurityContext } from '@angular/core';
import { DomSanitizer, SafeHtml } from '@angular/platform-browser';
import { ActivatedRoute } from '@angular/router';

@Component({
  selector: 'app-note',
  template: `
    <h2>{{ heading }}</h2>
    <section [innerHTML]="body"></section>
  `,
})
export class NoteComponent implements OnInit {
  heading = 'Note';
  body: SafeHtml | string = '';

  constructor(
    private readonly route: ActivatedRoute,
    private readonly sanitizer: DomSanitizer,
  ) {}

  ngOnInit(): void {
    if (this.route.snapshot.queryParamMap.has('text')) {
      this.fromQuery();
    } else {
      this.fromFragment();
    }
  }

  fromQuery(): void {
    const text = this.route.snapshot.queryParamMap.get('text') ?? '';
    this.body = this.sanitizer.bypassSecurityTrustHtml(`<p>${text}</p>`);
  }

  fromFragment(): void {
    const text = this.route.snapshot.fragment ?? '';
    this.body = this.sanitizer.sanitize(SecurityContext.HTML, `<p>${text}</p>`) ?? '';
  }

  placeholder(): void {
    const text = this.route.snapshot.queryParamMap.get('text') ?? '';
    this.heading = text.slice(0, 40);
    this.body = this.sanitizer.bypassSecurityTrustHtml('<p><em>Nothing here yet.</em></p>');
  }
}
