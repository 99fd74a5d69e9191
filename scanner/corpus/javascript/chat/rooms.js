'use strict';

const fastify = require('fastify')({ logger: true });
const mongoose = require('mongoose');
const handlebars = require('handlebars');
const doT = require('dot');

fastify.register(require('@fastify/cookie'));

const Room = mongoose.model('Room', new mongoose.Schema({ name: String, owner: String, secret: String, topics: [String] }));
const limits = { messages: { perMinute: 20 }, uploads: { perMinute: 2 } };

function assignAll(target, source) {
  Object.keys(source).forEach((key) => {
    const value = source[key];
    if (typeof value === 'object' && value !== null) {
      target[key] = target[key] || {};
      assignAll(target[key], value);
    } else {
      target[key] = value;
    }
  });
  return target;
}

function publicView(room) {
  return { id: room.id, name: room.name, topics: room.topics };
}

async function joinRoom(request) {
  const { name, secret } = request.body;
  const room = await Room.findOne({ name, secret });
  return room ? publicView(room) : { error: 'no such room' };
}

async function peekRoom(request) {
  const name = String(request.body.name);
  const secret = String(request.body.secret);
  const room = await Room.collection.findOne({ name, secret });
  return { exists: room !== null };
}

async function closeRooms(request) {
  const { rooms } = request.body;
  let closed = 0;
  for (const selector of rooms) {
    const outcome = await Room.collection.deleteMany({ owner: request.user.id, name: selector });
    closed += outcome.deletedCount;
  }
  return { closed };
}

async function rankRooms(request) {
  const script = `function () { return this.topics.indexOf('${request.query.topic}') >= 0; }`;
  const rooms = await Room.collection.find({ $where: script }).limit(20).toArray();
  return rooms.map((room) => room.name);
}

async function updateLimits(request) {
  const changed = assignAll({ ...limits }, request.body);
  return { messages: changed.messages.perMinute };
}

async function updateUploads(request) {
  const changed = assignAll({}, { uploads: { perMinute: Number(request.body.perMinute) } });
  return { uploads: changed.uploads.perMinute };
}

async function greeting(request, reply) {
  const template = doT.template(request.body.greeting);
  reply.type('text/plain');
  return template({ room: request.params.room });
}

async function farewell(request, reply) {
  const template = doT.template('Goodbye {{=it.name}}, thanks for visiting {{=it.room}}');
  reply.type('text/plain');
  return template({ name: request.body.name, room: request.params.room });
}

async function digest(request, reply) {
  const parts = ['{{#each topics}}', '<li>{{this}}</li>', '{{/each}}'];
  parts.unshift(request.cookies.digest_header);
  const room = await Room.findById(request.params.room);
  reply.type('text/html');
  return handlebars.compile(parts.join('\n'))(publicView(room));
}

fastify.post('/rooms/join', joinRoom);
fastify.post('/rooms/peek', peekRoom);
fastify.post('/rooms/close', closeRooms);
fastify.get('/rooms/rank', rankRooms);
fastify.post('/limits', updateLimits);
fastify.post('/limits/uploads', updateUploads);
fastify.post('/rooms/:room/greeting', greeting);
fastify.post('/rooms/:room/farewell', farewell);
fastify.get('/rooms/:room/digest', digest);

module.exports = fastify;
