//= require action_cable
//= require chat
