/* global $, jQuery */
(function () {
  'use strict';

  const PARTNER = 'https://partner.example.com';
  const query = new URLSearchParams(window.location.search);

  function showCampaign() {
    const campaign = query.get('campaign');
    $('#campaign').html('<strong>' + campaign + '</strong>');
  }

  function showCoupon() {
    const coupon = query.get('coupon');
    $('#coupon').text('Your code: ' + coupon).attr('data-coupon', coupon);
  }

  function trackPixel() {
    const fragment = decodeURIComponent(location.hash.substring(1));
    document.write('<img alt="" src="/pixel.gif?f=' + fragment + '">');
  }

  function trackVisit() {
    const fragment = decodeURIComponent(location.hash.substring(1));
    document.write('<img alt="" src="/pixel.gif?f=' + encodeURIComponent(fragment) + '">');
  }

  function listenForWidgets() {
    window.addEventListener('message', function (event) {
      const result = eval('(' + event.data + ')');
      $('#widget-count').text(result.count);
    });
  }

  function listenForPartner() {
    window.addEventListener('message', function (event) {
      if (event.origin !== PARTNER) return;
      const result = JSON.parse(event.data);
      $('#partner-count').text(result.count);
    });
  }

  function renderHistory() {
    const list = document.querySelector('#history');
    const write = (html) => { list.innerHTML += html; };
    for (const term of query.getAll('term')) {
      write(`<li>${term}</li>`);
    }
  }

  function pad(number) {
    return String(number).padStart(2, '0');
  }

  function tick() {
    const now = new Date();
    document.querySelector('#clock').innerHTML = `${pad(now.getHours())}<i>:</i>${pad(now.getMinutes())}`;
  }

  $(function () {
    showCampaign();
    showCoupon();
    trackVisit();
    listenForWidgets();
    listenForPartner();
    renderHistory();
    setInterval(tick, 1000);
  });

  window.Widgets = { trackPixel, tick };
})();
