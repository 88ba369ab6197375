//= require rails-ujs
//= require action_cable
//= require chat
