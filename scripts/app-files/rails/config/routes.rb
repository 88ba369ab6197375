Rails.application.routes.draw do
  root "articles#index"
  get "chat", to: "chat#show"
  get "streams/:action", controller: :streams, constraints: { action: /show|events|broken/ }
  match "trials/:action", controller: :trials, via: :all
end
